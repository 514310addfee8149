"""Which of the winner's arms run next, within the room there is."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from autocls.recipe import Recipe
from autocls.search.attributing import _put_in, next_runs, promising_first
from autocls.search.evidence import claims
from autocls.verdict.verdict import Screened

ORDER = ["all", "a", "b", "c", "d"]


def steps(room: int, decided: dict[str, int] | None = None, most: int = 30) -> list[dict[str, int]]:
    """What is run, step by step, where an arm is decided once it has so many seeds."""
    had, taken = Counter[str](), []
    while True:
        undecided = [arm for arm in ORDER if had[arm] and had[arm] < (decided or {}).get(arm, most + 1)]
        wanted = next_runs(had, undecided, ORDER, 5, most, room)
        if not wanted:
            return taken
        room -= sum(count - had[arm] for arm, count in wanted.items())
        had.update({arm: count - had[arm] for arm, count in wanted.items()})
        taken.append(dict(had))
        assert room >= 0


def test_with_room_for_all_every_arm_goes_to_its_last_look() -> None:
    assert steps(1000)[-1] == dict.fromkeys(["", *ORDER], 30)


def test_few_arms_begin_that_can_be_followed_and_what_is_decided_makes_room_for_the_next() -> None:
    first, second, third = steps(40, {"a": 5})
    assert first == {"": 5, "all": 5, "a": 5, "b": 5}
    assert second == {"": 10, "all": 10, "a": 5, "b": 10}
    assert third == {**second, "c": 5}


def test_room_for_the_winner_and_the_baseline_alone_is_theirs() -> None:
    assert steps(10) == [{"": 5, "all": 5}]
    assert steps(9) == []


@given(st.integers(0, 400), st.dictionaries(st.sampled_from(ORDER), st.sampled_from([5, 10, 15])))
def test_the_winner_has_every_seed_that_an_arm_has(room: int, decided: dict[str, int]) -> None:
    for had in steps(room, decided):
        assert had[""] == max(had.values())
        assert all(count % 5 == 0 for count in had.values())


def test_what_the_screening_saw_is_put_in_only_where_the_winner_is_as_the_baseline() -> None:
    """The arm of a slot that the winner uses sets that slot back, and can't put another choice in as well."""
    sure = [
        Screened(slot, choice, 0.02, 0.01, 0.03, 8, 0.001) for slot, choice in (("optimizer", "adam"), ("mix", "ricap"))
    ]
    unsure = Screened("color", "jitter", 0.02, -0.01, 0.05, 8, 0.2)
    winner = Recipe(optimizer={"sgd": {"lr": 0.2}})
    found = _put_in(winner, {"optimizer"}, [*sure, unsure])
    assert [(claim.slot, claim.choice, claim.instead, claim.active) for claim in found] == [
        ("mix", "ricap", "none", False)
    ]


def test_tricks_are_tried_first_that_the_screening_and_the_best_recipes_speak_for() -> None:
    winner = Recipe(norm="batch", mix="ricap", crop={"shift": 2}, optimizer="adam")
    used = claims(winner, Recipe())
    seen = [
        Screened("norm", "batch", 0.02, 0.01, 0.03, 8, 0.01),
        Screened("mix", "ricap", -0.02, -0.03, -0.01, 8, 0.01),
        Screened("optimizer", "adabound", 0.09, 0.0, 0.1, 8, 0.01),
    ]
    best = [Recipe(norm="batch", crop={"shift": 1}), Recipe(norm="batch", crop={"shift": 2}, mix="ricap")]
    assert [claim.slot for claim in promising_first(used, winner, seen, best)] == ["norm", "crop", "optimizer", "mix"]
    assert promising_first(used, winner, [], []) == list(used)
