"""What the page claims, and of what: verdicts, and trials of several phases."""

import html
import math
import re
from dataclasses import replace
from pathlib import Path

import plotly.graph_objects as go
import pytest

from autocls.errors import BadInput
from autocls.report import content, links, write_report
from autocls.report.association import knob_figures
from autocls.report.figures import BLUE, GREY, ORANGE
from autocls.report.forest import finding, forest
from autocls.report.headline import headline
from autocls.report.page import render
from autocls.report.run import Run, read
from autocls.report.waterfall import waterfall
from autocls.verdict.file import VERDICT as FILE
from autocls.verdict.verdict import Effect, Mean, Opening, Verdict, Word
from tests.report.runs import NASTY, facts, judge, write
from tests.verdict.verdicts import BARE, UNKNOWN, VERDICT


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return read(judge(write(tmp_path_factory.mktemp("judged"))))


def told(run: Run, verdict: Verdict) -> dict[str, tuple[str, str]]:
    """The facts of the headline."""
    found = facts(headline(replace(run, verdict=verdict)))
    return {label: (fact.value, fact.note) for label, fact in found.items()}


def section(page: str) -> str:
    """What made the difference, as text."""
    part = page.partition('<h2 id="h-difference">')[2].partition("</section>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", part)).split())


def test_the_headline_is_the_paragraph_and_confirmed_stands_beside_searched(run: Run) -> None:
    said, top = told(run, VERDICT), headline(run)
    assert f"{top.lead} {top.rest}" == VERDICT.paragraph
    best = run.trials[run.trials["number"] == run.summary["winner"]]["score"].iloc[0]
    assert said["macro f1, confirmed"] == ("98.31 %", "95 % interval 98.02 to 98.60 %, n = 8 fresh seeds")
    seen = "the best of 8 complete trials, optimistic by 0.95 points"
    assert said["macro f1, search"] == (f"{100 * best:.2f} %", seen)
    assert said["from the baseline"] == ("+2.21 points", "95 % interval +1.58 to +2.84, n = 8 pairs")
    assert said["macro f1, sealed test"] == ("97.90 %", "360 images")
    assert list(said)[:3] == ["macro f1, confirmed", "macro f1, sealed test", "macro f1, search"]


def test_the_winner_and_the_baseline_are_compared_line_by_line(run: Run) -> None:
    winner, baseline = headline(run).contenders
    assert winner.who == f"The winner, trial {run.winner}"
    assert baseline.who == "The plain baseline, trial 0"
    assert [fact.label for fact in winner.facts] == [fact.label for fact in baseline.facts]
    its = {fact.label: (fact.value, fact.note) for fact in baseline.facts}
    assert its["macro f1, confirmed"] == ("96.10 %", "95 % interval 95.39 to 96.81 %, n = 8 fresh seeds")
    assert its["macro f1, sealed test"] == ("95.80 %", "360 images")
    assert its["macro f1, search"][1] == "one run", "nobody picked it for its score"
    assert its["parameters"] == ("1,000", "")
    assert its["multiply-adds"] == ("50 k", "for one image")
    assert its["latency, batch 1"] == ("1 ms", "for one image on 1 thread of a Xeon")
    assert its["latency, batch 64"] == ("20 ms", "for 64 images at once on 1 thread of a Xeon")
    assert its["training time"] == ("8.9 s", "median of 8 runs")


def test_a_baseline_that_wins_stands_alone_and_what_it_was_not_asked_is_said(run: Run) -> None:
    top = headline(replace(run, summary={**run.summary, "winner": 0}, verdict=None))
    assert [each.who for each in top.contenders] == ["The winner and the baseline, trial 0"]
    assert top.gain is None

    def confirmed(verdict: Verdict) -> tuple[str, str]:
        facts = headline(replace(run, verdict=verdict)).contenders[1].facts
        assert (facts[1].value, facts[1].note) == ("–", "not asked")
        return facts[0].value, facts[0].note

    unasked = replace(VERDICT, test=Opening(360, 0.979, None, 1))
    alone = replace(unasked, candidates=VERDICT.candidates[:1])
    assert confirmed(replace(alone, candidates=()))[1].endswith("n = 8 fresh seeds"), "the path begins with it"
    assert confirmed(replace(alone, path=())) == ("96.10 %", "the winner's less its gain, n = 8 pairs")
    assert confirmed(replace(alone, gain=UNKNOWN, path=())) == ("–", "not run again")


def test_the_title_has_the_most_honest_score_there_is(run: Run) -> None:
    unopened = replace(run, summary={**run.summary, "test_score": None})
    titles = [headline(run).title] + [
        headline(replace(unopened, verdict=v)).title for v in (replace(VERDICT, test=None), BARE)
    ]
    number = run.summary["winner"]
    assert titles[0] == f"Trial {number} wins: 97.90 % macro f1 on the sealed test part"
    assert titles[1] == f"Trial {number} wins: 98.31 % macro f1 on 8 fresh seeds"
    assert titles[2].endswith("on validation")


def test_a_search_that_confirmed_nothing_shows_what_it_searched(run: Run) -> None:
    said, top = told(run, BARE), headline(replace(run, verdict=BARE))
    assert "macro f1, confirmed" not in said
    assert said["from the baseline"][1].endswith("one run each")
    assert " ".join((top.lead, top.rest)) == BARE.paragraph


def test_without_pairs_there_is_no_gain_and_a_single_run_has_no_interval(run: Run) -> None:
    single = replace(VERDICT.confirmed, low=math.nan, high=math.nan, n=1)
    said = told(run, replace(VERDICT, confirmed=single, gain=UNKNOWN, optimism=-0.01))
    assert said["macro f1, confirmed"] == ("98.31 %", "n = 1 fresh seeds")
    assert said["macro f1, search"][1] == "the best of 8 complete trials, optimistic"
    assert "from the baseline" not in said


def test_a_part_that_was_opened_twice_is_not_called_sealed(run: Run) -> None:
    twice = replace(run, verdict=replace(VERDICT, test=Opening(360, 0.979, 0.958, 2)))
    top = headline(twice)
    assert "sealed" not in top.title
    assert ("macro f1, test, opened 2 times", "97.90 %") in [(f.label, f.value) for f in top.contenders[0].facts]
    assert "opened 2 times, so it is no longer sealed" in section(render(twice))


def test_the_section_has_a_table_for_all_that_the_verdict_rests_on(run: Run) -> None:
    said = section(render(run))
    for expected in (
        "adam(lr=0.00221) sgd(lr=0.1, momentum=0.9) has it undetermined +0.61 −0.12 to +1.34 8 0.176 0.109 1",
        "mix: mixup(alpha=0.119) none does without hurts −0.58",
        "within the grey band, ± 0.30 points, makes no difference",
        "at most 5 %, over looks after 5 and 8 seeds",
        "+ norm: batch 97.79 % 97.41 to 98.17 % 8 +1.69 +1.01 to +2.36",
        "9 99.26 % 98.31 % 98.02 to 98.60 % 8 100 % (93–100) 12 s 61.7 k winner",
        "21 99.32 % 98.15 % 97.74 to 98.56 % 8 94 % (80–100) 31 s 2.28 M tied, 1 failed",
        "norm and optimizer can't be told from two tricks that add up: −0.46 points",
        "with norm 98.31 % 97.70 % without it 96.89 % 95.82 %",
        "A hint from short runs, no claim. choice",
        "erase: cutout −0.40 −2.10 to +1.30 0.610 13",
        "360 images, opened once: the winner has 97.90 %, the baseline 95.80 %",
        "attribute 40 140 16 %",
        "was not taken out",
    ):
        assert expected in said


def test_a_run_without_a_verdict_says_what_to_do_and_claims_nothing(run: Run) -> None:
    said = section(render(replace(run, verdict=None)))
    assert "no verdict.json" in said
    assert "search with more time" in said
    assert "points" not in said


def test_what_was_not_done_takes_no_place(run: Run) -> None:
    said = section(render(replace(run, verdict=BARE)))
    assert "it has no trick to take out" in said
    assert "Nothing was confirmed: the time was up" in said
    assert not any(word in said for word in ("Confirmed on", "Two tricks", "screening", "sealed", "From the"))
    other = replace(BARE, winner=9)
    assert "No trick was taken out of the winner" in section(render(replace(run, verdict=other)))


def test_only_trials_of_the_search_are_ranked_drawn_and_counted(run: Run) -> None:
    assert len(run.trials) == len(run.searched) + 4
    assert run.board["number"].max() < 1000
    assert run.board["score"].max() < 1.0
    assert not {1000, 1001, 1002, 1003} & set(content.rows(run)["number"])
    assert not any(1000 in trace["customdata"] for trace in knob_figures(run)["norm"]["data"][:2])
    assert facts(headline(run))["trials"].value == "30"


def test_epochs_and_failures_are_of_all_phases(run: Run) -> None:
    assert facts(headline(run))["epochs trained"].value == str(run.trials["epochs"].sum())
    assert ("out of memory", (1003,)) in [(reason.reason, reason.trials) for reason in content.failures(run.trials)]


def test_the_winner_is_whom_the_summary_names(run: Run) -> None:
    other = int(run.board["number"].iloc[1])
    named = replace(run, summary={**run.summary, "winner": other})
    assert (run.winner, named.winner) == (run.board["number"].iloc[0], other)
    assert headline(named).title.startswith(f"Trial {other} wins")
    assert replace(run, summary={}).winner == run.board["number"].iloc[0]


def test_folders_from_before_there_were_phases_hold_a_search(tmp_path: Path) -> None:
    old = read(write(tmp_path))
    assert "phase" not in old.trials
    assert len(old.board) == len(old.trials)
    assert old.verdict is None


def test_a_broken_verdict_is_bad_input_that_names_it(tmp_path: Path) -> None:
    (judge(write(tmp_path)) / FILE).write_text('{"schema": 1, "metric": 3}')
    with pytest.raises(BadInput, match=r"verdict\.json:1: baseline: field required"):
        write_report(tmp_path)


def test_every_trick_is_drawn_with_its_interval_and_its_word() -> None:
    chart = forest(VERDICT)
    figure = go.Figure(chart)
    assert [trace.name for trace in figure.data] == ["helps", "hurts", "no difference", "undetermined"]
    helps = figure.data[0]
    assert (helps.x, helps.y) == ((1.42,), (0,))
    assert helps.error_x.array == pytest.approx((0.61,))
    assert [len({trace.marker.symbol for trace in figure.data}), len(figure.data)] == [4, 4]
    assert [note.y for note in figure.layout.annotations] == [0, 1, 2, 3]
    assert figure.layout.annotations[3].text == "mix: mixup, put in – hurts"
    assert [shape.x1 for shape in figure.layout.shapes] == [pytest.approx(0.3), 0]


def test_a_trick_of_one_pair_is_drawn_without_an_interval_and_one_of_none_not_at_all() -> None:
    one = replace(VERDICT.tricks[0].effect, low=math.nan, high=math.nan, n=1)
    tricks = replace(VERDICT.tricks[0], effect=one), replace(VERDICT.tricks[1], effect=UNKNOWN)
    (trace,) = go.Figure(forest(replace(VERDICT, tricks=tricks))).data
    assert (trace.x, trace.error_x.array) == ((1.42,), (0,))
    assert forest(BARE) is None


@pytest.mark.parametrize(
    "words, said",
    [
        ([Word.HELPS, Word.HURTS], "Of 2 tricks judged, 1 helps: norm: batch, by +1.42 points"),
        ([Word.HELPS, Word.HELPS], "Of 2 tricks judged, 2 help, most of all norm: batch, by +1.42 points"),
        ([Word.UNDETERMINED], "Of 1 trick judged, none is shown to help"),
    ],
)
def test_the_chart_s_title_states_what_is_shown(words: list[Word], said: str) -> None:
    tricks = [replace(trick, word=word) for trick, word in zip(VERDICT.tricks, words, strict=False)]
    assert finding(tricks) == said


def test_a_trick_that_the_winner_lacks_is_not_called_one_of_its_own() -> None:
    lacks = replace(VERDICT.tricks[0], active=False)
    assert finding([lacks, VERDICT.tricks[1]]) == (
        "Of 2 tricks judged, none of the winner's is shown to help; put in, this would: norm: batch, by +1.42 points"
    )


def test_names_are_text_in_the_chart_too() -> None:
    first = replace(VERDICT.tricks[0], choice=NASTY[2])
    chart = forest(replace(VERDICT, tricks=(first,)))
    assert chart is not None
    assert "<b>" not in chart["layout"]["annotations"][0]["text"]
    assert "<b>" not in chart["data"][0]["customdata"][0]


def test_names_are_escaped_in_the_section(run: Run) -> None:
    page = render(run)
    assert NASTY[0] not in page
    assert NASTY[2] not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; was not taken out" in page


def test_tricks_that_found_no_room_have_no_chart_but_what_to_do(run: Run) -> None:
    none = replace(VERDICT.tricks[0].effect, mean=math.nan, low=math.nan, high=math.nan, n=0)
    verdict = replace(VERDICT, tricks=tuple(replace(trick, effect=none) for trick in VERDICT.tricks))
    page = render(replace(run, verdict=verdict))
    assert 'id="chart-effects"' not in page
    assert "no room to take the winner's tricks out" in section(page)


def test_the_way_to_the_winner_is_drawn_from_step_to_step() -> None:
    figure = go.Figure(waterfall(VERDICT))
    bars, ends = figure.data
    assert bars.base == (0.96102, 0.9779)
    assert bars.x == (pytest.approx(0.01688), pytest.approx(0.00522))
    assert bars.marker.color == (BLUE, GREY), "the second's interval holds 0"
    assert (ends.x, ends.y) == ((0.96102, 0.98312), (0, 3))
    assert figure.layout.title.text == "From 96.10 % to 98.31 %, +2.21 points: norm: batch adds most, +1.69"
    assert [note.text for note in figure.layout.annotations] == [
        "the baseline – 96.10 %",
        "+ norm: batch – 97.79 %, +1.69 points",
        "+ optimizer: adam – 98.31 %, +0.52 points",
        "the winner – 98.31 %, +2.21 points",
    ]
    assert bars.customdata[1].endswith("+0.52 points, 95 % −0.12 to +1.16, n = 8")


def test_a_step_that_loses_is_told_apart_and_one_that_was_not_run_is_not_drawn() -> None:
    worse = replace(VERDICT.path[2], score=replace(VERDICT.path[2].score, mean=0.97))
    worse = replace(worse, gain=Effect(-0.0079, -0.009, -0.005, 8, 0.001, 0.01))
    unknown = replace(VERDICT.path[1], score=Mean(math.nan, math.nan, math.nan, 0, math.nan), gain=UNKNOWN)
    figure = go.Figure(waterfall(replace(VERDICT, path=(*VERDICT.path[:2], worse, unknown))))
    assert figure.data[0].marker.color == (BLUE, ORANGE)
    assert figure.data[0].x == (pytest.approx(0.01688), pytest.approx(-0.0079))
    down = replace(VERDICT, path=(VERDICT.path[0], worse))
    assert go.Figure(waterfall(down)).layout.title.text.endswith("no trick adds to the ones before it")
    assert waterfall(replace(VERDICT, path=VERDICT.path[:1])) is None
    assert waterfall(BARE) is None


def test_names_are_text_on_the_way_too() -> None:
    nasty = replace(VERDICT.path[1], choice=NASTY[2])
    assert "<b>" not in str({**waterfall(replace(VERDICT, path=(VERDICT.path[0], nasty))), "title": ""}["data"])


def test_a_trick_links_to_its_card_where_there_is_one(run: Run) -> None:
    cards = [
        {"slot": "optimizer", "name": "adam", "about": "A.", "when": "", "interactions": "", "cost": "", "paper": ""}
    ]
    base, best = "optimizer: sgd\n", "optimizer:\n  adam: {lr: 0.1}\n"
    recipes = run.trials["recipe"].mask(run.trials["number"] == 0, base).mask(run.trials["number"] == run.winner, best)
    page = render(replace(run, cards=cards, trials=run.trials.assign(recipe=recipes)))
    assert page.count('href="#card-optimizer-adam"') == 3, "below the chart, in the tricks' table and in the path's"
    assert page.count('id="card-optimizer-adam"') == 1
    assert "#card-mix" not in page
    assert "#card" not in section(render(replace(run, cards=[])))


def test_the_place_of_a_card_is_a_plain_name_whatever_its_choice_is_called() -> None:
    assert links.card_id("norm", NASTY[2]) == "card-norm-script-b-cat-b-"
