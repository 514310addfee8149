"""Whole studies of simulated trials in this process: what is run, with which seeds, and within which budget."""

import json
from pathlib import Path

import pandas as pd
import pytest

import autocls
from autocls.errors import BadInput
from autocls.recipe import Recipe, chosen
from autocls.search.more import more
from autocls.search.run import SearchResult
from benchmarks.worlds import EPOCHS, World, space
from tests.search import objectives

WORLD = World(3)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> SearchResult:
    out = tmp_path_factory.mktemp("whole") / "study"
    return autocls.search(objective=WORLD.run, space=space(), trials=400, seed=1, address="inline", out=out)


def runs(result: SearchResult, phase: str) -> pd.DataFrame:
    table = pd.read_parquet(result.folder / "trials.parquet")
    return table[table["phase"] == phase]


def test_the_screen_has_every_slot_on_in_half_of_its_short_runs(whole: SearchResult) -> None:
    table = runs(whole, "screen")
    assert (table["state"] != "PRUNED").all()
    assert set(table["planned"]) == {EPOCHS // 3}
    recipes = [Recipe.from_yaml(text) for text in table["recipe"]]
    neutral = space().baseline()
    for slot in ("norm", "mix", "init"):
        assert sum(chosen(recipe, slot) != chosen(neutral, slot) for recipe in recipes) == len(recipes) / 2
    pairs = table.assign(pair=table["role"].str.partition(":")[0]).groupby("pair")
    assert (pairs["seed"].nunique() == 1).all()
    assert (pairs.size() == 2).all()


def test_candidates_and_baseline_share_fresh_seeds(whole: SearchResult) -> None:
    table = runs(whole, "confirm")
    assert "0" in set(table["role"])
    seeds = {role: list(rows["seed"]) for role, rows in table.groupby("role")}
    assert len({tuple(s[:5]) for s in seeds.values()}) == 1
    attribute = runs(whole, "attribute")
    assert not set(table["seed"]) & set(attribute["seed"])
    assert set(runs(whole, "search")["seed"]) == {1}
    assert (
        attribute[attribute["role"] == ""]["seed"].tolist()[:5]
        == attribute.drop_duplicates("seed")["seed"].tolist()[:5]
    )


def test_each_arm_is_the_winner_with_one_slot_as_the_baseline_has_it(whole: SearchResult) -> None:
    assert whole.recipe is not None
    baseline = space().baseline()
    for role, rows in runs(whole, "attribute").groupby("role"):
        arm = Recipe.from_yaml(rows["recipe"].iloc[0])
        assert set(arm.differences(whole.recipe)) == set(filter(None, role.split("+")))
        for slot in arm.differences(whole.recipe):
            if chosen(whole.recipe, slot) != chosen(baseline, slot):
                assert chosen(arm, slot) == chosen(baseline, slot)


def test_designed_runs_take_two_fifths_of_the_epochs_at_most(whole: SearchResult) -> None:
    assert whole.verdict is not None
    assert sum(s.share for s in whole.verdict.spent if s.phase != "search") < 0.42
    assert sum(s.share for s in whole.verdict.spent) == pytest.approx(1)


def test_the_verdict_lies_in_the_folder_and_names_its_winner(whole: SearchResult) -> None:
    assert whole.verdict is not None
    written = json.loads((whole.folder / "verdict.json").read_text())
    assert written["winner"] == whole.winner == json.loads((whole.folder / "summary.json").read_text())["winner"]
    assert written["paragraph"] == whole.verdict.paragraph
    assert whole.verdict.candidates
    assert whole.verdict.tricks


def test_what_really_helps_is_found_and_nothing_false_is_claimed(whole: SearchResult) -> None:
    assert whole.verdict is not None
    assert whole.recipe is not None
    arms = {role: Recipe.from_yaml(rows["recipe"].iloc[0]) for role, rows in runs(whole, "attribute").groupby("role")}
    words = {trick.slot: trick.word for trick in whole.verdict.tricks}
    assert "helps" in words.values()
    for slot, word in words.items():
        if slot not in arms or chosen(whole.recipe, slot) == chosen(space().baseline(), slot):
            continue
        true = WORLD.true(whole.recipe) - WORLD.true(arms[slot])
        assert word != "helps" or true > 0
        assert word != "hurts" or true < 0


@pytest.mark.alone
def test_more_decides_more_and_repeats_nothing(tmp_path: Path) -> None:
    few = autocls.search(
        objective=WORLD.run, space=space(), trials=150, screen=False, address="inline", out=tmp_path / "s"
    )
    assert few.verdict is not None
    before = runs(few, "attribute")
    undecided = {t.slot for t in few.verdict.tricks if t.word == "undetermined"}
    assert undecided
    after = more(few.folder, 3.0, objective=WORLD.run, address="inline")
    table = runs(few, "attribute")
    done = table[table["state"] != "PRUNED"]
    assert not done.duplicated(["role", "seed"]).any()
    assert len(done) > len(before)
    assert {t.slot for t in after.tricks if t.word == "undetermined"} <= undecided
    assert after.winner == few.winner


def test_with_room_for_it_the_tricks_are_also_put_in_one_by_one(tmp_path: Path) -> None:
    slots = ["norm", "mix", "color"]
    few = space().plain()
    small = {slot: few[slot] for slot in [*slots, "optimizer", "epochs"]}
    result = autocls.search(
        objective=WORLD.run, space=small, trials=200, pruner="none", address="inline", out=tmp_path / "s"
    )
    assert result.verdict is not None
    path = result.verdict.path
    used = [trick.slot for trick in result.verdict.tricks if trick.active]
    assert [path[0].slot, *sorted(step.slot for step in path[1:])] == ["", *sorted(used)]
    first, last = path[0].score.mean, path[-1].score.mean
    assert last > first
    seeds = runs(result, "attribute").groupby("role")["seed"].apply(set)
    assert len(set.intersection(*seeds)) >= 5


def test_without_confirmation_there_is_only_the_search(tmp_path: Path) -> None:
    result = autocls.search(
        objective=objectives.quadratic, space=SMALL, trials=10, confirm=0, address="inline", out=tmp_path / "s"
    )
    table = pd.read_parquet(result.folder / "trials.parquet")
    assert set(table["phase"]) == {"search"}
    assert len(table) == 10


def test_a_budget_too_small_for_a_verdict_is_all_the_searchs_and_the_verdict_says_so(tmp_path: Path) -> None:
    result = autocls.search(objective=objectives.quadratic, space=SMALL, trials=5, address="inline", out=tmp_path / "s")
    assert set(pd.read_parquet(result.folder / "trials.parquet")["phase"]) == {"search"}
    assert result.verdict is not None
    assert any("nothing confirmed" in note for note in result.verdict.notes)


@pytest.mark.alone
def test_a_screening_that_turns_out_too_dear_is_broken_off_and_the_verdict_says_so(tmp_path: Path) -> None:
    result = autocls.search(objective=objectives.dear, space=space(), seconds=8, address="inline", out=tmp_path / "s")
    assert len(runs(result, "screen")) == 6
    assert len(runs(result, "search")) > 1
    assert result.verdict is not None
    assert any("broken off after 6 of 32" in note for note in result.verdict.notes)


def test_a_screening_that_is_too_dear_from_the_start_is_left_out(tmp_path: Path) -> None:
    result = autocls.search(
        objective=objectives.quadratic, space=space(), trials=20, address="inline", out=tmp_path / "s"
    )
    assert runs(result, "screen").empty
    assert result.verdict is not None
    assert any("not screened: its 32 runs of 3 epochs are more than 12 %" in note for note in result.verdict.notes)


@pytest.mark.alone
def test_time_is_honoured_and_leaves_room_for_the_verdict(tmp_path: Path) -> None:
    result = autocls.search(
        objective=objectives.brief, space=SMALL, seconds=12, address="inline", confirm=1, out=tmp_path / "s"
    )
    table = pd.read_parquet(result.folder / "trials.parquet")
    assert {"search", "attribute"} <= set(table["phase"])
    assert table["finished"].max() < 14
    assert table[table["phase"] == "search"]["finished"].max() < 9


@pytest.mark.parametrize(("given", "message"), [({"confirm": -1}, "--confirm"), ({"seeds": 2}, "--seeds: at least 5")])
def test_a_plan_that_shows_nothing_is_refused(tmp_path: Path, given: dict[str, int], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        autocls.search(objective=objectives.quadratic, space=SMALL, out=tmp_path / "s", **given)


SMALL = {"norm": ["none", "batch"], "optimizer": {"sgd": {"lr": {"log": [0.001, 1]}, "momentum": 0.9}}, "epochs": 4}
