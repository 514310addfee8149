"""From the frames of a study to its verdict and its paragraph, also where most is missing."""

import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from autocls.verdict.attribution import Claim, arm_name
from autocls.verdict.effects import margin
from autocls.verdict.judge import Evidence, judge
from autocls.verdict.paragraph import write
from autocls.verdict.screening import design
from autocls.verdict.verdict import Opening, Phase, Spent, Verdict, Word
from tests.verdict.simulated import attribution

NONE = pd.DataFrame()
CLAIMS = (
    Claim("norm", "batch", "none", active=True),
    Claim("mix", "mixup(alpha=0.2)", "none", active=True),
    Claim("init", "kaiming", "default", active=True),
    Claim("cutout", "cutout(size=8)", "none", active=False),
)
EFFECTS = {"norm": 0.019, "mix": -0.007, "init": 0.0, "cutout": 0.012, "init+mix+norm": 0.012}


def attributed(seeds: int = 10) -> pd.DataFrame:
    return attribution(EFFECTS, seeds, np.random.default_rng(4), sd=0.002)


def confirmed() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        [
            {"candidate": trial, "seed": seed, "score": score + rng.normal(0, 0.001), "seconds": 60, "parameters": 1000}
            for trial, score in ((0, 0.93), (17, 0.951), (4, 0.951), (9, 0.94))
            for seed in range(100, 108)
        ]
    )


def evidence(**changed) -> Evidence:
    complete = Evidence(
        metric="accuracy",
        baseline=0,
        winner=17,
        search_scores={17: 0.962, 4: 0.96, 0: 0.931},
        confirm=confirmed(),
        attribute=attributed(),
        claims=CLAIMS,
        pairs=(("norm", "mix"),),
        baseline_arm=arm_name(claim.slot for claim in CLAIMS if claim.active),
        order=tuple(claim.slot for claim in CLAIMS if claim.active),
        looks=(5, 10),
        screen=NONE,
        neutral={},
        spent=(Spent(Phase.SEARCH, 40, 800, 0.69), Spent(Phase.ATTRIBUTE, 60, 400, 0.31)),
        test=Opening(10_000, 0.949, 0.929, 1),
        notes=("Nothing was screened.",),
        barred=(),
        margin=None,
    )
    return replace(complete, **changed)


POOR = {
    "nothing at all": {
        "confirm": NONE,
        "attribute": NONE,
        "claims": (),
        "pairs": (),
        "test": None,
        "notes": (),
        "spent": (),
    },
    "not attributed": {"attribute": NONE},
    "not confirmed": {"confirm": NONE},
    "three seeds": {"attribute": attributed(3)},
    "one seed": {"attribute": attributed(1), "confirm": NONE},
    "the baseline failed": {
        "attribute": attributed().assign(score=lambda runs: runs["score"].where(runs["arm"] != "init+mix+norm")),
        "confirm": confirmed().assign(score=lambda runs: runs["score"].where(runs["candidate"] != 0)),
    },
    "all failed": {
        "attribute": attributed().assign(score=math.nan),
        "confirm": confirmed().assign(score=math.nan, seconds=math.nan),
    },
    "the baseline won": {
        "baseline_arm": "",
        "winner": 0,
        "claims": (CLAIMS[3],),
        "attribute": attributed().query("arm in ['', 'cutout']"),
        "pairs": (),
    },
    "the winner has no tricks": {"claims": (), "pairs": ()},
}


def test_the_verdict_of_a_whole_study() -> None:
    verdict = judge(evidence())
    assert {trick.slot: trick.word for trick in verdict.tricks} == {
        "norm": Word.HELPS,
        "mix": Word.HURTS,
        "init": Word.NO_DIFFERENCE,
        "cutout": Word.HURTS,
    }
    winner = attributed().query("arm == ''")["score"]
    assert verdict.confirmed.mean == pytest.approx(winner.mean())
    assert verdict.gain.mean == pytest.approx(0.012, abs=0.002)
    assert verdict.gain.n == 10
    assert verdict.optimism == pytest.approx(0.962 - winner.mean())
    assert verdict.margin == pytest.approx(margin(winner.mean()))
    assert verdict.looks == (5, 10)
    assert [step.slot for step in verdict.path] == [""], "further arms were not run"
    assert verdict.notes == ("Nothing was screened.",)
    assert verdict.paragraph == write(verdict)
    assert judge(evidence(margin=0.002)).margin == 0.002


def test_its_paragraph() -> None:
    said = judge(evidence()).paragraph
    assert re.search(
        r"^The winner, trial 17, scores \d\d\.\d\d % accuracy on fresh seeds \(95 % interval .*?, n = 10\)\.", said
    )
    assert re.search(r"better than the baseline \(\+1\.\d+ points, 95 % interval [\d.]+ to [\d.]+, n = 10\)", said)
    assert re.search(
        r"On this data, norm batch \(\+1\.\d+ points, 95 % interval .*?, n = 10\) made the difference;", said
    )
    assert re.search(r"the winner's own mix mixup \(−0\.\d+ points, 95 % interval −.*? to −.*?, n = 10\) hurt", said)
    assert re.search(r"putting in cutout \(−.*?\) would hurt; init kaiming \(.*?\) made no difference[;.]", said)
    assert re.search(r"That is of 4 tricks tried; .*? up to 0\.\d+ points count as no difference\.", said)
    assert "Of the study's 1,200 epochs, attribution took 31 % (60 runs)." in said
    assert "The search had seen 96.20 %" in said
    assert (
        "On the sealed test part (10,000 images, opened once) one run of the winner scores 94.90 %, the baseline"
        in said
    )
    assert said.endswith("Nothing was screened.")
    assert "-" not in said.replace("non-", ""), "a minus sign is no hyphen"


@pytest.mark.parametrize("case", POOR)
def test_no_claim_without_its_interval_and_n(case: str) -> None:
    said = judge(evidence(**POOR[case])).paragraph
    assert "nan" not in said
    assert "inf" not in said
    assert "None" not in said
    for claim in re.findall(r"\([^()]*points[^()]*", said):
        assert re.search(r"95 % interval −?[\d.]+ to −?[\d.]+, n = \d+$|no interval, n = 1$", claim), claim


def test_without_attribution_the_runs_that_chose_are_all_there_is() -> None:
    verdict = judge(evidence(**POOR["not attributed"]))
    best = confirmed().query("candidate == 17")["score"]
    assert verdict.confirmed.mean == pytest.approx(best.mean())
    assert verdict.gain.n == 8
    assert verdict.notes[-1] == (
        "The runs that give its score and gain over the baseline also chose the winner, so they may flatter it"
    )
    assert {trick.word for trick in verdict.tricks} == {Word.UNDETERMINED}


def test_without_any_fresh_run_nothing_is_claimed() -> None:
    verdict = judge(evidence(**POOR["nothing at all"]))
    assert verdict.confirmed.n == 0
    assert verdict.margin == pytest.approx(0.0038), "of the search's score"
    assert verdict.paragraph.startswith("The winner has no finished run on fresh seeds")
    assert "points" not in verdict.paragraph


def test_few_seeds_decide_nothing() -> None:
    said = judge(evidence(**POOR["three seeds"])).paragraph
    assert "These runs can't tell it from the baseline" in said
    assert "no trick is shown to matter; for norm batch (" in said
    assert "made the difference" not in said


def test_a_winner_that_is_the_baseline() -> None:
    verdict = judge(evidence(**POOR["the baseline won"]))
    assert (verdict.gain.mean, verdict.gain.n) == (0, 10)
    assert verdict.paragraph.startswith("The baseline is the winner: ")


def test_a_baseline_that_failed() -> None:
    verdict = judge(evidence(**POOR["the baseline failed"]))
    assert verdict.gain.n == 0
    assert "can't be compared with the baseline" in verdict.paragraph
    assert "8 runs of trial 0" in verdict.paragraph


def test_ties_and_a_test_part_that_was_opened_again() -> None:
    slow = confirmed().assign(seconds=lambda runs: np.where(runs["candidate"] == 4, 100, 60))
    verdict = judge(evidence(confirm=slow, test=Opening(1, 0.9, None, 3)))
    assert verdict.candidates[0].trial == 4
    assert re.search(
        r"Of the candidates, trial 17 \(.*?, n = 8\) can't be told from trial 4, .*; the winner takes 60 %",
        verdict.paragraph,
    )
    assert "(1 image, by now opened 3 times and so no longer sealed)" in verdict.paragraph


def test_more_seeds_make_more_looks_and_failed_pairs_are_told() -> None:
    runs = attributed(20)
    runs.loc[(runs["arm"] == "norm") & (runs["seed"] == 3), "score"] = math.nan
    verdict = judge(evidence(attribute=runs, looks=(5, 10, 15, 20)))
    assert verdict.looks == (5, 10, 15, 20)
    assert {trick.effect.n for trick in verdict.tricks} == {19, 20}
    assert "Failed, and left out above: 1 pair of norm batch." in verdict.paragraph


def test_two_tricks_that_only_work_together() -> None:
    runs = attribution({"a": 0.02, "b": 0.02, arm_name(["a", "b"]): 0.02}, 10, np.random.default_rng(2), sd=0.002)
    claims = (Claim("a", "x", "none", active=True), Claim("b", "y", "none", active=True))
    verdict = judge(evidence(attribute=runs, claims=claims, pairs=(("a", "b"),), order=("a", "b")))
    assert re.search(
        r"a and b gain more together than one by one \([+−\d.]+ points, 95 % .*?, n = 10\)", verdict.paragraph
    )
    assert [step.slot for step in verdict.path] == ["", "a", "b"]


def test_screening_runs_are_estimated() -> None:
    factors = {"norm": ["none", "batch"], "mix": ["none", "mixup", "ricap"]}
    runs = design(factors, 0)
    runs["score"] = np.random.default_rng(0).normal(0.9, 0.01, len(runs))
    verdict = judge(evidence(screen=runs, neutral={"norm": "none", "mix": "none"}))
    assert {(each.slot, each.choice) for each in verdict.screened} == {
        ("norm", "batch"),
        ("mix", "mixup"),
        ("mix", "ricap"),
    }


def test_the_verdict_is_plain_data() -> None:
    verdict = judge(evidence())
    assert isinstance(verdict, Verdict)
    assert type(verdict.optimism) is float
    assert type(verdict.candidates[0].seconds) is float
    assert type(verdict.tricks[0].effect.mean) is float
