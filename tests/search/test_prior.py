"""What other studies found is tried early, and costs little where it is wrong."""

from dataclasses import replace
from pathlib import Path
from statistics import mean

import pytest

import autocls
from autocls.errors import BadInput
from autocls.recipe import Recipe
from autocls.search.record import Record
from autocls.verdict.prior import Study, merge
from autocls.verdict.verdict import Effect, Trick, Word
from benchmarks.worlds import SD, World, space
from tests.verdict.verdicts import VERDICT

TRIALS = 80
ELSEWHERE = Study("reports/other", "2026-01-02T03:04:05+00:00", "other", "quick", 0, "accuracy", 900, 3, 3, 32, "lenet")


def prior(folder: Path, choices: dict[str, str]) -> Path:
    """A file that says that these choices helped elsewhere, and how surely."""
    effect = Effect(0.02, 0.015, 0.025, 10, 0.0001, 0.002)
    tricks = tuple(Trick(s, choice, "none", True, Word.HELPS, effect, 0.001, 0) for s, choice in choices.items())
    file = folder / "cards.yaml"
    file.write_text(merge([(ELSEWHERE, replace(VERDICT, tricks=tricks))]).to_yaml())
    return file


def search(world: World, out: Path, trials: int, cards: Path | None) -> Record:
    autocls.search(objective=world.run, space=space(), trials=trials, seed=world.seed, confirm=0, prior=cards,
                   address="inline", out=out)  # fmt: skip
    return Record.open(out)


def found(world: World, study: Record) -> float:
    """The true score of the best trial, in SD."""
    best = max((row for row in study.rows() if row.state == "COMPLETE"), key=lambda row: row.score)
    return world.true(Recipe.from_yaml(best.recipe)) / SD


def test_what_helped_elsewhere_is_tried_right_after_the_baseline(tmp_path: Path) -> None:
    cards = prior(tmp_path, {"norm": "batch", "mix": "mixup", "rotate": "nowhere", "activation": "elu"})
    rows = search(World(0), tmp_path / "run", 3, cards).rows()
    second = Recipe.from_yaml(rows[1].recipe)
    assert set(second.differences(space().baseline())) == {"norm", "mix"}, "the space has no other of them"


def test_a_wrong_prior_costs_less_than_a_tenth_of_the_budget(tmp_path: Path) -> None:
    """It takes one trial; and a search with it is as good as one without it that had a tenth less."""
    gains = []
    for seed in range(4):
        world = World(seed)
        hurting = {slot: _choice(slot) for slot, e in world.effects.items() if e < 0}
        cards = prior(tmp_path, hurting | {slot: _choice(slot) for slot in world.pair})
        misled = search(world, tmp_path / f"misled-{seed}", TRIALS, cards)
        free = search(world, tmp_path / f"free-{seed}", round(0.9 * TRIALS), None)
        rows = misled.rows()
        assert rows[1].epochs <= 0.1 * sum(row.epochs for row in rows)
        gains.append(found(world, misled) - found(world, free))
    assert mean(gains) > -0.5


def test_a_prior_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nowhere\.yaml"):
        search(World(0), tmp_path / "run", 3, tmp_path / "nowhere.yaml")


def _choice(slot: str) -> str:
    """The name of the trick that a world has in a slot."""
    options = space().slots[slot]
    assert isinstance(options, tuple)
    return options[1].name
