"""What the page shows, without a browser."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from autocls.errors import BadInput
from autocls.report import content, write_report
from autocls.report.headline import headline
from autocls.report.page import as_json, render, unbroken
from autocls.report.recipes import Recipes, knobs
from autocls.report.run import Run, read
from tests.report.runs import NASTY, facts, write


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return read(write(tmp_path_factory.mktemp("run")))


def test_a_recipe_is_flattened_to_knobs() -> None:
    assert knobs("norm: none\noptimizer:\n  sgd: {lr: 0.05, momentum: 0.9}\n") == {
        "norm": "none", "optimizer": "sgd", "optimizer.sgd.lr": 0.05, "optimizer.sgd.momentum": 0.9,
    }  # fmt: skip


def test_the_headline_has_the_numbers_of_the_table(run: Run) -> None:
    said = headline(run)
    best = run.trials[run.trials["number"] == run.summary["winner"]].iloc[0]
    base = run.trials.iloc[0]["score"]
    told = {label: fact.value for label, fact in facts(said).items()}
    assert told["macro f1, search"] == f"{100 * best['score']:.2f} %"
    assert told["macro f1, sealed test"] == "87.00 %"
    assert told["from the baseline"] == f"{100 * (best['score'] - base):+.2f} points"
    assert told["trials"] == "30"
    assert told["time"] == "2 min 05 s"
    assert "was opened once" in said.lead + said.rest
    assert said.commands[0][1].startswith("autocls train best_recipe.yaml '/data/my pets' --seed 3 --metric macro_f1")


def test_a_recipe_is_its_forms_with_its_numbers_put_in(run: Run) -> None:
    recipes = run.recipes
    for row, text in enumerate(run.board["recipe"]):
        numbers = iter(recipes.numbers[row])
        forms = [recipes.forms[i].pieces for i in recipes.made_of[row]]
        assert "".join("".join(piece + next(numbers) for piece in p[:-1]) + p[-1] for p in forms) == text


@pytest.mark.parametrize(
    "text",
    [
        "optimizer:\n  sgd: {lr: 1.0e-05, momentum: 0.9}\nwarmup: 0\n",
        "weights:\n  file: {path: 'a: 0.5, b', map: null}\nflip: none\n",
        "x:\n  y: {betas: [0.9, 0.99], inner: {a: 0.25}}\n",
        "x: -0.5\ny: true\nz: '0.5'\n",
    ],
)
def test_the_knobs_of_a_recipe_made_of_forms_are_those_of_its_yaml(text: str) -> None:
    assert {name: value for name, (value,) in Recipes.of([text]).columns().items()} == knobs(text)


def test_recipes_that_differ_in_numbers_alone_share_their_forms(run: Run) -> None:
    recipes = Recipes.of([f"a: none\nb:\n  c: {{lr: 0.{i}}}\n" for i in range(1, 10)])
    assert len(recipes.forms) == 2
    assert recipes.columns()["b.c.lr"] == [i / 10 for i in range(1, 10)]


@pytest.mark.parametrize("baseline, said", [(9, "no trial beat it"), (6, "the baseline was not completed")])
def test_without_a_difference_the_headline_says_why(run: Run, baseline: int, said: str) -> None:
    top = headline(replace(run, summary={**run.summary, "baseline": baseline}))
    assert said in top.lead
    assert top.gain is None
    assert len(top.contenders) == 1


def test_only_an_accuracy_has_an_interval_and_a_perfect_one_is_no_certainty(run: Run) -> None:
    perfect = {**run.summary, "test_score": 1.0}
    notes = [
        facts(headline(replace(run, summary={**perfect, **more})))[f"{metric}, sealed test"].note
        for metric, more in (
            ("accuracy", {"metric": "accuracy"}),
            ("macro f1", {"metric": "macro_f1"}),
            ("macro f1", {"test_images": None}),
        )
    ]
    assert notes == ["100 images, 95 % interval 96.3 to 100.0 %", "100 images", ""]


def test_knobs_stand_in_the_order_of_the_leaderboard(run: Run) -> None:
    found = run.recipes.columns()
    assert found["norm"] == [knobs(recipe)["norm"] for recipe in run.board["recipe"]]
    with_adam = [value is not None for value in found["optimizer.adam.lr"]]
    assert with_adam == [value == "adam" for value in found["optimizer"]]
    assert content.rows(run)["number"] == run.board["number"].tolist()


def test_texts_that_many_rows_share_are_held_once(run: Run) -> None:
    columns = content.rows(run)
    texts, placed = content.texts(columns)
    assert len(texts) == len(set(texts))
    assert [texts[i] for i in placed["state"]] == columns["state"]
    assert [[texts[i] for i in row] for row in placed["left_out"]] == columns["left_out"]
    assert placed["epochs"] == columns["epochs"]


def test_failures_are_grouped_by_reason(run: Run) -> None:
    (failure,) = content.failures(run.trials)
    assert (failure.reason, failure.count, failure.trials) == (f"NaN loss in {NASTY[0]}", 4, (6, 13, 20, 27))
    assert failure.traceback.endswith(NASTY[2]), "the first there is"
    old = run.trials.drop(columns="traceback")
    assert [reason.traceback for reason in content.failures(old)] == [""]


def test_what_was_left_out_is_grouped_by_reason_and_stands_with_its_trials(run: Run) -> None:
    batch, best = f"batch: not applicable: no place in {NASTY[0]}", "best: not applicable: no trial is complete yet"
    assert content.left_out(run.trials) == [
        content.Reason(batch, 6, (0, 5, 10, 15, 20, 25)),
        content.Reason(best, 3, (0, 10, 20)),
    ]
    rows = content.rows(run)
    said = dict(zip(rows["number"], rows["left_out"], strict=True))
    assert (said[0], said[5], said[1]) == ([batch, best], [batch], [])


def test_nothing_is_said_of_what_was_left_out_where_nothing_was(run: Run) -> None:
    none = replace(run, trials=run.trials.assign(left_out=[[]] * len(run.trials)))
    assert content.left_out(none.trials) == []
    assert "without a place" not in render(none)
    assert "without a place" in render(run)


def test_the_winner_s_differences_are_those_of_its_yaml_each_with_its_card(run: Run) -> None:
    assert run.best_recipe is not None
    mine, base = yaml.safe_load(run.best_recipe), yaml.safe_load(run.trials["recipe"][0])
    found = content.differences(run)
    assert [each.slot for each in found] == [slot for slot in mine if mine[slot] != base[slot]]
    for each in found:
        assert (each.card is not None) == (not isinstance(mine[each.slot], int | float)), "a number has no card"
        assert yaml.safe_load(each.instead) == base[each.slot]
    none = replace(run, cards=[], trials=run.trials.iloc[:0])
    assert content.differences(none) == []
    assert content.differences(replace(run, summary={**run.summary, "baseline": run.winner})) == []
    assert "What it does otherwise than the baseline" in render(run)


def test_a_difference_is_written_in_one_line_with_the_digits_that_are_read(run: Run) -> None:
    recipe = "optimizer:\n  adam: {lr: 0.0025361802432815775, betas: 1.0e-05}\nrotate:\n  degrees: {max: 15}\n"
    trials = run.trials.iloc[:2].assign(recipe=["optimizer: sgd\nrotate: none\n", recipe], number=[0, 1])
    found = content.differences(replace(run, trials=trials, summary={"winner": 1, "baseline": 0}))
    assert [(each.choice, each.instead) for each in found] == [
        ("adam: {lr: 0.00254, betas: 1e-05}", "sgd"),
        ("degrees: {max: 15}", "none"),
    ]


def test_what_was_measured_stands_with_its_trial_and_old_searches_measured_less(run: Run) -> None:
    rows = content.rows(run)
    latency = dict(zip(rows["number"], rows["latency"], strict=True))
    assert (latency[3], latency[6]) == (pytest.approx(0.0013), None)
    assert set(rows["confirmed"]) == {None}
    old = replace(run, trials=run.trials.drop(columns=["latency", "latency_64", "multiply_adds", "traceback"]))
    assert set(content.rows(old)["latency"]) == {None}
    assert "latency, batch 1" not in facts(headline(old))
    assert "No latency was measured" in render(old)


def test_learning_curves_are_in_the_page_as_hundredths_of_a_point(run: Run) -> None:
    for number, curve in zip(run.board["number"], content.curves(run), strict=True):
        exact = run.trials.loc[run.trials["number"] == number, "curve"].iloc[0]
        assert [int(score) / 10_000 for score in curve.split()] == pytest.approx(list(exact), abs=5.1e-5)


def test_provenance_is_grouped_and_says_what_each_phase_took(run: Run) -> None:
    groups = content.provenance({"seed": 3, "versions": {"torch": "2.9"}, "git": {}, "hardware": {"gpus": []}})
    assert [(group.name, group.rows) for group in groups] == [
        ("run", (("seed", "3"),)),
        ("versions", (("torch", "2.9"),)),
        ("hardware", (("gpus", "–"),)),
    ]
    (search,) = content.took(run.trials)
    assert (search.phase, search.runs, search.epochs) == ("search", 30, run.trials["epochs"].sum())
    phases = run.trials.assign(phase=["confirm"] * 2 + ["screen"] * 28)
    assert [(took.phase, took.runs) for took in content.took(phases)] == [("screen", 28), ("confirm", 2)]


def test_units_stay_with_their_numbers() -> None:
    assert unbroken("98.31 % of 5 images") == "98.31\u00a0% of 5 images"


def test_classes_are_counted_part_by_part(run: Run) -> None:
    assert content.classes(run.summary) == [(name, 5, 5, 5) for name in NASTY]


def test_names_from_data_are_escaped_everywhere(run: Run) -> None:
    page = render(run)
    assert NASTY[0] not in page
    assert NASTY[2] not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert json.loads(str(as_json(NASTY))) == NASTY


def test_plotly_is_in_the_page_once_and_sends_nothing_anywhere(run: Run) -> None:
    page = render(run)
    assert page.count("plotly.js v") == 1
    assert "showSendToCloud: false" in page
    assert 'plotlyServerURL: ""' in page


def test_a_page_grows_little_with_each_trial(tmp_path: Path) -> None:
    small, large = (read(write(tmp_path / str(n), n)) for n in (500, 2000))
    began = time.process_time()
    pages = [len(render(run).encode()) for run in (small, large)]
    assert time.process_time() - began < 10
    assert pages[0] < 6_000_000, "5 MB of it is plotly.js"
    assert (pages[1] - pages[0]) / 1500 < 400, "bytes a trial"


def test_without_a_complete_trial_the_page_says_what_to_do(tmp_path: Path) -> None:
    page = write_report(write(tmp_path, complete=False)).read_text()
    assert "No winner yet" in page
    assert "Give the search more time" in page
    assert "there is no best recipe" in page


def test_no_trial_at_all(tmp_path: Path) -> None:
    page = write_report(write(tmp_path, 1))
    empty = read(tmp_path)
    none = Run(empty.trials.iloc[:0], {}, {}, None, None, [])
    assert "No trial was started" in render(none)
    assert page.exists()


def test_only_the_trials_must_be_there(tmp_path: Path) -> None:
    folder = write(tmp_path)
    for name in ("summary.json", "environment.json", "best_recipe.yaml", "space.yaml"):
        (folder / name).unlink()
    page = write_report(folder).read_text()
    for name in ("environment.json", "best_recipe.yaml", "space.yaml"):
        assert f"{name} is missing" in page


def test_a_folder_without_a_search_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no search"):
        write_report(tmp_path)


@pytest.mark.parametrize("name, text", [("summary.json", "{oops"), ("summary.json", "[]"), ("trials.parquet", "x")])
def test_a_broken_file_is_bad_input_that_names_it(tmp_path: Path, name: str, text: str) -> None:
    (write(tmp_path) / name).write_text(text)
    with pytest.raises(BadInput, match=name):
        write_report(tmp_path)


def test_a_folder_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such folder"):
        write_report(tmp_path / "nowhere")
