"""The screening: designed runs of few epochs over all of a space's slots, before the search."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

import numpy as np
import pandas as pd

from autocls.domains import Domain, OneOf, Value
from autocls.recipe import Recipe, chosen
from autocls.search.driver import Driver
from autocls.search.fitting import Misfits
from autocls.search.messages import Move, Run
from autocls.search.record import Row
from autocls.search.setting import Setting
from autocls.space import Space
from autocls.tricks.distillation import Best
from autocls.verdict.screening import best_looking, design, dropped, estimate
from autocls.verdict.verdict import Phase, Screened

TRIED = 6
"""Runs after which it is seen what all will take: networks differ in what they cost."""
FIDELITY = 1 / 3
"""Of the whole epochs; a screening run's schedule spans its own."""


def stage(setting: Setting, driver: Driver) -> Iterator[Run | Move]:
    """Screen the space once its baseline was trained, if the budget allows; meanwhile the search goes on."""
    plan, study = setting.plan, driver.study
    if plan.screen is False or (plan.screen is None and not plan.confirm):
        return
    runs = screen(setting.space, setting.seed, setting.misfits)
    if not runs:
        study.leave_undone("not screened: the space has fewer than two slots with listed choices, or one epoch only")
        return
    while not driver.has_ended(0):
        yield Move.WAIT if driver.searched() else Move.SEARCH
    baseline = driver.ended(Phase.SEARCH)[0]
    if plan.screen is None:
        why = study.decide("screening", lambda: setting.too_dear(driver, len(runs), runs[0].recipe.epochs, baseline))
        if why:
            study.leave_undone(f"not screened: {why}")
            return
    for number, run in enumerate(runs[: study.about().get("screened", len(runs))]):
        if not plan.screen and number >= TRIED and not driver.has_begun(run) and setting.overspends(driver, len(runs)):
            study.note("screened", number)
            study.leave_undone(f"screening broken off after {number} of {len(runs)} runs: all would have been too dear")
            break
        yield run
    while driver.running(Phase.SCREEN):
        yield Move.WAIT if driver.searched() else Move.SEARCH
    neutral = {slot: names[0] for slot, names in factors(setting.space).items()}
    study.note("neutral", neutral)
    found = estimate(frame(driver.ended(Phase.SCREEN), list(neutral)), neutral)
    for choices in starts(found):
        study.suggest(with_choices(setting.space, choices))
    for slot, choice in dropped(found):
        if slot != "architecture":  # a large network's first epochs say little of its last
            study.rule_out(slot, choice, f"{choice}: ruled out by the screening, in which it was surely worse")


def screen(space: Space, seed: int, misfits: Misfits) -> list[Run]:
    """The runs that screen a space; none where it has too few slots to choose in, or no epochs to save.

    What is open besides the factors is drawn anew for each pair of mirrored runs (a Latin hypercube over the pairs),
    which share it, and their seed. Choices without a place in a run are left out of it.
    """
    slots, epochs = factors(space), _epochs(space)
    if len(slots) < 2 or epochs >= space.most_epochs():
        return []
    plan = design(slots, seed)
    pairs = int(plan["pair"].max()) + 1
    runs = []
    for row in plan.to_dict("records"):
        answers = _Answers({slot: str(row[slot]) for slot in slots}, int(row["pair"]), pairs, seed)
        recipe = space.suggest(answers).model_copy(update={"epochs": epochs})
        recipe = recipe.model_copy(update={"warmup": min(recipe.warmup, epochs - 1)})
        left_out = misfits(recipe)
        parameters = {n: a for n, a in answers.given.items() if n.partition(".")[0] not in {"warmup", *left_out}}
        run_seed = fresh_seed(seed, Phase.SCREEN, int(row["pair"]))
        runs.append(Run(Phase.SCREEN, recipe.without(left_out), run_seed, f"{row['pair']}:{row['fold']}", parameters))
    return runs


def factors(space: Space) -> dict[str, list[str]]:
    """The slots that are screened, those with listed choices, each with its choices, the baseline's first."""
    found, baseline = {}, space.baseline()
    for slot, options in space.slots.items():
        if isinstance(options, tuple):
            names = [option.name for option in options if option.trick is not Best]  # there is no best trial yet
        elif isinstance(options, OneOf) and slot not in ("epochs", "warmup"):
            names = [str(value) for value in options.values]
        else:
            continue
        neutral = chosen(baseline, slot)
        if len(names) > 1 and neutral in names:
            found[slot] = [neutral, *(name for name in names if name != neutral)]
    return found


def starts(found: Sequence[Screened]) -> list[dict[str, str]]:
    """What the search begins with: each slot's best-looking choice, and those alone that are surely better."""
    best = best_looking(found)
    sure = {s.slot: s.choice for s in found if s.low > 0 and best.get(s.slot) == s.choice}
    return [choices for choices in (best, sure) if choices]


def frame(rows: Sequence[Row], slots: Sequence[str]) -> pd.DataFrame:
    """The screening runs that ended, as they were run: a column a slot, ``pair``, ``fold`` and ``score``."""
    kept = [(row, _read(row.recipe), row.role.split(":")) for row in rows if _counts(row)]
    return pd.DataFrame(
        [
            {**{slot: chosen(recipe, slot) for slot in slots}, "pair": int(pair), "fold": int(fold), "score": row.score}
            for row, recipe, (pair, fold) in kept
        ],
        columns=[*slots, "pair", "fold", "score"],
    )


def with_choices(space: Space, choices: Mapping[str, str]) -> Recipe:
    """The baseline with these choices, each with the middle of what the space has it open to."""
    baseline = space.baseline()
    return baseline.model_copy(update={slot: choice_of(space, slot, name) for slot, name in choices.items()})


def offered(space: Space, choices: Mapping[str, str]) -> dict[str, str]:
    """Those of the choices that a space is open to."""
    named = {slot: [o.name for o in options] for slot, options in space.slots.items() if isinstance(options, tuple)}
    listed = {
        slot: list(map(str, options.values)) for slot, options in space.slots.items() if isinstance(options, OneOf)
    }
    return {slot: name for slot, name in choices.items() if name in (named | listed).get(slot, [])}


def choice_of(space: Space, slot: str, name: str) -> object:
    """A slot's choice by name, its open parameters in the middle of their ranges."""
    options = space.slots[slot]
    if isinstance(options, tuple):
        return next(o for o in options if o.name == name).suggest(slot, lambda _, domain: domain.middle())
    assert isinstance(options, OneOf), "only listed numbers are screened"
    return next(v for v in options.values if str(v) == name)


def fresh_seed(seed: int, phase: Phase, index: int) -> int:
    """A seed that no other phase, run or study with another seed has."""
    return int(np.random.SeedSequence([seed, list(Phase).index(phase), index]).generate_state(1)[0] >> 1)


@lru_cache(maxsize=1024)
def _read(text: str) -> Recipe:
    """A study looks at its screening runs more than once, and reading YAML takes milliseconds."""
    return Recipe.from_yaml(text)


def _counts(row: Row) -> bool:
    return row.state in ("COMPLETE", "FAIL")


def _epochs(space: Space) -> int:
    wanted = max(1, round(space.most_epochs() * FIDELITY))
    open_to = space.slots["epochs"]
    if isinstance(open_to, int | float):
        return wanted
    assert not isinstance(open_to, tuple | str), "epochs is a number slot"
    return int(min(open_to.ends()))


class _Answers:
    """Decides what a space leaves open: a slot's choice as designed, a number as its pair has it."""

    def __init__(self, choices: Mapping[str, str], pair: int, pairs: int, seed: int) -> None:
        self._choices = choices
        self._pair = pair
        self._pairs = pairs
        self._seed = seed
        self.given: dict[str, tuple[Domain, Value]] = {}

    def __call__(self, name: str, domain: Domain) -> Value:
        value = self._designed(domain, self._choices[name]) if name in self._choices else self._drawn(name, domain)
        self.given[name] = (domain, value)
        return value

    def _designed(self, domain: Domain, name: str) -> Value:
        assert isinstance(domain, OneOf)
        return next(value for value in domain.values if str(value) == name)

    def _drawn(self, name: str, domain: Domain) -> Value:
        rng = np.random.default_rng([self._seed, zlib.crc32(name.encode())])
        return domain.at((rng.permutation(self._pairs)[self._pair] + rng.random(self._pairs)[self._pair]) / self._pairs)
