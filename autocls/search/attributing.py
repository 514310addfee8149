"""Attribution: the winner with each of its tricks set back, on fresh seeds that took no part in choosing it."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import count
from typing import Any

import numpy as np
from scipy.stats import rankdata

from autocls.recipe import Recipe, chosen
from autocls.search.confirming import ranked
from autocls.search.driver import Driver
from autocls.search.evidence import attributed, claims
from autocls.search.messages import Move, Run
from autocls.search.record import Row
from autocls.search.screening import choice_of, frame, fresh_seed
from autocls.search.setting import Setting
from autocls.verdict.attribution import Claim, arm_name, attribute, gain_order, path_arms, undecided
from autocls.verdict.effects import ALPHA
from autocls.verdict.screening import estimate, suspects
from autocls.verdict.verdict import Phase, Screened, Trick

LOOKS = 12
"""Tricks are judged after so many times the planned seeds, at most."""
BEST = 10
"""Trials of the search whose choices tell which tricks to try first."""
MOST_PUT_IN = 2
"""Choices that the winner lacks and the screening saw do something, tried by putting them in."""


OF_THE_WEIGHTS = ("freeze", "layer_decay")
"""What spares weights that were trained before: an arm that begins from scratch goes without."""

Decide = Callable[[str, Callable[[], Any]], Any]


def anew(what: str, how: Callable[[], Any]) -> Any:
    """Decide something, whatever was decided earlier."""
    return how()


@dataclass(frozen=True)
class Arms:
    """The recipes around a winner: with slots toggled between its own choice and the other one of their claim."""

    winner: Recipe
    others: Recipe
    """Has the other choice in each slot that is claimed about."""
    setting: Setting
    decide: Decide
    """Keeps what was decided, where the stage may be gone through once more."""

    def recipe(self, arm: str) -> Recipe:
        """The recipe of an arm; what has no place in it is left out."""
        slots = arm.split("+") if arm else []
        toggled = self.winner.model_copy(update={slot: getattr(self.others, slot) for slot in slots})
        if toggled.weights is None and self.winner.weights is not None:
            toggled = toggled.without(OF_THE_WEIGHTS)
        return toggled.without(self.setting.misfits(toggled))

    def runs(self, driver: Driver, wanted: Mapping[str, int]) -> Iterator[Run | Move]:
        """Run each arm with so many seeds, the same first ones for all, but for what was run already; and wait."""
        done = {(row.role, row.seed) for row in driver.ended(Phase.ATTRIBUTE) if row.state != "PRUNED"}
        recipes = {arm: self.recipe(arm) for arm in wanted}
        for index in range(max(wanted.values(), default=0)):
            seed = fresh_seed(self.setting.seed, Phase.ATTRIBUTE, index)
            for arm, recipe in recipes.items():
                if index < wanted[arm] and (arm, seed) not in done:
                    yield Run(Phase.ATTRIBUTE, recipe, seed, arm)
        while driver.running(Phase.ATTRIBUTE):
            yield Move.WAIT


def stage(setting: Setting, driver: Driver, winner: Row) -> Iterator[Run | Move]:
    """Judge the winner's tricks, those the budget has room for, then their interactions and the ablation path."""
    study, seeds = driver.study, setting.plan.seeds
    mine = Recipe.from_yaml(winner.recipe)
    baseline = Recipe.from_yaml(driver.ended(Phase.SEARCH)[0].recipe)
    if mine == baseline:
        study.leave_undone("no trick judged: the plain baseline is the winner")
        return
    screened = _screened(driver)
    used = promising_first(claims(mine, baseline), mine, screened, _best(driver))
    absent = _put_in(mine, {claim.slot for claim in used}, screened)
    others = baseline.model_copy(update={c.slot: choice_of(setting.space, c.slot, c.choice) for c in absent})
    arms = Arms(mine, others, setting, study.decide)
    all_off = arm_name(claim.slot for claim in used)
    asked = [*used, *absent]
    study.note("claims", [asdict(claim) for claim in asked])
    study.note("all_off", all_off)
    study.note("looks", [seeds * (k + 1) for k in range(LOOKS)])
    yield from _all(arms, driver, winner)


def more(setting: Setting, driver: Driver) -> Iterator[Run | Move]:
    """More seeds for the tricks of a study whose verdict was drawn before."""
    study, rows = driver.study, driver.ended(Phase.SEARCH)
    winner = next(row for row in rows if row.number == study.about()["recommended"])
    mine, others = Recipe.from_yaml(winner.recipe), Recipe.from_yaml(rows[0].recipe)
    absent = {c.slot: choice_of(setting.space, c.slot, c.choice) for c in claims_of(driver) if not c.active}
    yield from _all(Arms(mine, others.model_copy(update=absent), setting, anew), driver, winner)


def _all(arms: Arms, driver: Driver, winner: Row) -> Iterator[Run | Move]:
    """Each trick by itself, to the second look; if all could be tried, pairs and the path; then what is left open."""
    looks = driver.study.about()["looks"]
    yield from _judge(arms, driver, winner, most=looks[1])
    used = [claim for claim in claims_of(driver) if claim.active]
    tried = set(attributed(driver.ended(Phase.ATTRIBUTE))["arm"])
    if arms.decide("all tricks tried", lambda: tried.issuperset(claim.slot for claim in used)):
        yield from _pairs(arms, driver, used, winner)
        yield from _path(arms, driver, used, winner)
    yield from _judge(arms, driver, winner, most=looks[-1])


def _judge(arms: Arms, driver: Driver, winner: Row, most: int) -> Iterator[Run | Move]:
    """Run the tricks' arms, with ``most`` seeds each, while there is room and something is undetermined."""
    seeds, about = arms.setting.plan.seeds, driver.study.about()
    asked = claims_of(driver)
    whole = Claim(about["all_off"], "all", "none", active=True)
    for wave in count():
        scores = attributed(driver.ended(Phase.ATTRIBUTE))
        (gain,) = attribute(scores, [whole], about["margin"], about["looks"])
        beaten = gain.effect.p <= ALPHA  # a question by itself, which is none of the tricks' family
        open_slots = [*([] if beaten else [whole.slot]), *undecided(scores, asked, about["margin"], about["looks"])]
        had = Counter[str](scores["arm"].tolist())
        order = [about["all_off"], *(claim.slot for claim in asked)]
        room = arms.setting.room(driver, winner)
        wanted = arms.decide(f"wave {wave} to {most}", partial(next_runs, had, open_slots, order, seeds, most, room))
        if not wanted:
            return
        yield from arms.runs(driver, wanted)


def next_runs(
    had: Counter[str], undecided: Sequence[str], order: Sequence[str], seeds: int, most: int, room: int
) -> dict[str, int]:
    """How many seeds to run arms with next, of which there is ``room`` for so many runs; empty when all is done.

    ``had`` are the runs of each arm so far; ``undecided`` come nearest to a decision first, ``order`` is that in which
    arms begin. What has begun goes on to its second look; then come new arms, only so many at first as can be followed
    to theirs; at last what is still undetermined after it. The winner runs with all the seeds that any arm has.
    """
    begun = [arm for arm in undecided if 0 < had[arm] < 2 * seeds]
    new = [arm for arm in order if not had[arm]]
    late = [arm for arm in undecided if 2 * seeds <= had[arm] < most]
    if not begun and new:
        new = new[: max(1, (room - max(0, 2 * seeds - had[""])) // (2 * seeds))]
    wanted: dict[str, int] = {}
    for arm in begun or new or late:
        more = {**wanted, arm: had[arm] // seeds * seeds + seeds}
        longest = max(more.values())
        if sum(count - had[a] for a, count in more.items()) + max(0, longest - had[""]) > room:
            break
        wanted = more
    return {"": max(had[""], *wanted.values()), **wanted} if wanted else {}


def _pairs(arms: Arms, driver: Driver, used: Sequence[Claim], winner: Row) -> Iterator[Run | Move]:
    """The pairs of the winner's tricks that the screening suspects to interact, as 2×2."""
    study, neutral = driver.study, driver.study.about().get("neutral")
    if not neutral:
        return
    slots = {claim.slot for claim in used}
    suspected = suspects(frame(driver.ended(Phase.SCREEN), list(neutral)), neutral)
    among = [list(pair) for pair in suspected if slots.issuperset(pair)]
    pairs = arms.decide("pairs", lambda: among[: arms.setting.room(driver, winner) // arms.setting.plan.seeds])
    study.note("pairs", pairs)
    yield from arms.runs(driver, dict.fromkeys(map(arm_name, pairs), arms.setting.plan.seeds))


def _path(arms: Arms, driver: Driver, used: Sequence[Claim], winner: Row) -> Iterator[Run | Move]:
    """From the baseline to the winner, one trick at a time in the order of gain."""
    study, seeds = driver.study, arms.setting.plan.seeds
    order = study.about().get("path") or gain_order(judged(driver, used))
    tried = set(attributed(driver.ended(Phase.ATTRIBUTE))["arm"])
    new = [arm for arm in path_arms(order, used) if arm not in tried]
    between = arms.decide("path", lambda: new if len(new) * seeds <= arms.setting.room(driver, winner) else None)
    if between is not None:
        study.note("path", order)
        yield from arms.runs(driver, dict.fromkeys(between, seeds))


def claims_of(driver: Driver) -> tuple[Claim, ...]:
    """What is asked about the winner."""
    return tuple(Claim(**claim) for claim in driver.study.about()["claims"])


def judged(driver: Driver, tricks: Sequence[Claim]) -> tuple[Trick, ...]:
    """The tricks as their runs so far show them."""
    study = driver.study
    scores = attributed(driver.ended(Phase.ATTRIBUTE))
    return attribute(scores, tricks, study.about()["margin"], study.about()["looks"])


def _screened(driver: Driver) -> tuple[Screened, ...]:
    neutral = driver.study.about().get("neutral")
    return estimate(frame(driver.ended(Phase.SCREEN), list(neutral)), neutral) if neutral else ()


def promising_first(
    used: Sequence[Claim], winner: Recipe, screened: Sequence[Screened], best: Sequence[Recipe]
) -> list[Claim]:
    """The winner's tricks in the order in which they are tried, for there may be no room for all.

    By two ranks, added: of the effect that the screening saw in few epochs, none where it did not have the choice; and
    of how many of the search's best recipes share the choice, which a sampler also repeats for no reason. Weights that
    were trained before come first: who fine-tunes wants to know what it is worth.
    """
    seen = {s.slot: s.effect for s in screened if s.choice == chosen(winner, s.slot) and s.effect == s.effect}
    effects = [seen.get(claim.slot, 0.0) for claim in used]
    shared = [sum(chosen(recipe, claim.slot) == chosen(winner, claim.slot) for recipe in best) for claim in used]
    ranks = rankdata(effects) + rankdata(shared)
    ordered = [used[i] for i in np.argsort(-ranks, kind="stable")]
    return sorted(ordered, key=lambda claim: claim.slot != "weights")


def _best(driver: Driver) -> list[Recipe]:
    return [Recipe.from_yaml(row.recipe) for row in ranked(driver)[:BEST]]


def _put_in(winner: Recipe, used: Collection[str], screened: Sequence[Screened]) -> list[Claim]:
    """The choices that the winner lacks and the screening saw help or hurt, the largest effects first.

    Only of slots that the winner leaves as the baseline has them: another slot's arm is that which sets it back.
    """
    lacking = [s for s in screened if s.slot not in ("architecture", *used) and (s.high < 0 or s.low > 0)]
    largest = {s.slot: s for s in sorted(lacking, key=lambda s: abs(s.effect))}
    found = sorted(largest.values(), key=lambda s: -abs(s.effect))[:MOST_PUT_IN]
    return [Claim(s.slot, s.choice, chosen(winner, s.slot), active=False) for s in found]
