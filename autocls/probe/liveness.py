"""A space's knobs, each tried before any trial is spent on it."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from autocls.domains import Domain, Value
from autocls.options import Option
from autocls.probe.observation import BASE, CHANNELS, CLASSES, Bench, one_thread, stand_in
from autocls.recipe import Recipe
from autocls.space import Space
from autocls.training.network import misfits, without_place
from autocls.tricks.base import Aspect, Trick
from autocls.tricks.distillation import Teacher
from autocls.tricks.finetuning import File

NUMBERS = {
    "image_size": Aspect.BATCH,
    "layer_decay": Aspect.GROUPS,
    "label_smoothing": Aspect.BATCH,
    "weight_decay": Aspect.GROUPS,
    "warmup": Aspect.RATES,
    "epochs": Aspect.RATES,
}
"""Where the number slots show; batch sizes are larger than what the bench has images for."""

_HOMES = 3
"""In so many networks a parameter is tried before it is called dead: one of them may leave it no room."""


@dataclass(frozen=True)
class Finding:
    """Something about a space that would waste trials."""

    where: str
    """``slot.choice.parameter``, as far as it goes."""
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


@dataclass(frozen=True)
class Choice:
    """One option of a slot, and where in the space it has a place."""

    slot: str
    option: Option
    homes: tuple[Recipe, ...]
    """Recipes without it, into whose networks it fits; at most three."""
    reasons: tuple[str, ...]
    """Why the other networks have no place for it."""

    @property
    def where(self) -> str:
        return f"{self.slot}.{self.option.name}"

    def made(self, ask: Callable[[str, Domain], Value] = lambda _, domain: domain.middle()) -> Trick:
        """The choice with its open parameters as ``ask`` answers."""
        return _made(self.option, ask)

    def at(self, parameter: str, value: Value) -> Trick:
        """The choice with one of its open parameters at ``value``."""
        return self.made(lambda name, domain: value if name.rpartition(".")[2] == parameter else domain.middle())


def check(space: Space, watch: Callable[[str], None] = lambda doing: None) -> list[Finding]:
    """What in ``space`` changes nothing, has no place in any of its networks, or is there twice.

    Tries each choice for a moment, most of them on a small network that stands for the space's own; takes seconds.
    ``watch`` is told what is being looked at.
    """
    watch("networks")
    found = choices(space)
    decay = _ends(space.slots["weight_decay"])[-1]
    with one_thread(), tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        findings = list(_numbers(space, bench))
        for choice in found:
            watch(choice.where)
            findings += _dead(choice, bench) if choice.homes else [_homeless(choice)]
        for slot in dict.fromkeys(choice.slot for choice in found):
            findings += _twice([c for c in found if c.slot == slot and c.homes], bench, decay)
    return findings


def choices(space: Space) -> list[Choice]:
    """Every choice of the space but the neutral ones and the networks themselves, and its homes there."""
    options = {name: [o for o in its if o.trick] for name, its in space.slots.items() if isinstance(its, tuple)}
    size = int(_ends(space.slots["image_size"])[0])
    networks = [Recipe(architecture=_made(option), image_size=size) for option in options.pop("architecture")]
    tricks = {(slot, option.name): _made(option) for slot, its in options.items() for option in its}
    lacking = [(home, without_place(home, tricks.values(), CLASSES, CHANNELS)) for home in networks]
    found = []
    for (slot, name), trick in tricks.items():
        reasons = _excluded(space, slot, trick)
        homes = [home for home, lacks in lacking if trick not in lacks and not reasons]
        if not homes and not reasons:
            homes = list(_with_help(networks, slot, trick, tricks))
        reasons += list(dict.fromkeys(lacks[trick] for _, lacks in lacking if trick in lacks))
        option = next(o for o in options[slot] if o.name == name)
        found.append(Choice(slot, option, tuple(homes[:_HOMES]), tuple(reasons)))
    return found


def _excluded(space: Space, slot: str, trick: Trick) -> list[str]:
    """Why none of what the space has in other slots lets ``trick`` be; nothing when some of it does."""
    weights = space.slots["weights"]
    assert isinstance(weights, tuple)
    others = [_made(option) if option.trick else None for option in weights]
    conflicts = [Recipe(**{"weights": other, slot: trick}).conflicts().get(slot) for other in others]
    return [c for c in conflicts if c] if all(conflicts) else []


def _with_help(
    networks: list[Recipe], slot: str, trick: Trick, others: dict[tuple[str, str], Trick]
) -> Iterator[Recipe]:
    """The networks in which another choice of the space makes a place for ``trick``."""
    for home in networks:
        for (other, _), helper in others.items():
            helped = home.model_copy(update={other: helper})
            if other != slot and not misfits(helped.model_copy(update={slot: trick}), CLASSES, CHANNELS):
                yield helped
                return


def _homeless(choice: Choice) -> Finding:
    return Finding(choice.where, f"has a place in none of the space's networks: {'; '.join(choice.reasons)}")


def _dead(choice: Choice, bench: Bench) -> Iterator[Finding]:
    trick = choice.made()
    seen = trick.shows_in
    homes = list(dict.fromkeys(_home(choice, trick, home) for home in choice.homes))
    neutral = [bench.observe(home, seen) for home in homes]
    if not trick.required and neutral == [bench.observe(_on(home, choice.slot, trick), seen) for home in homes]:
        yield Finding(choice.where, f"changes nothing: {seen.value} stay as without it")
        return
    for parameter, domain in choice.option.open.items():
        ends = [choice.at(parameter, value) for value in (domain.ends()[0], domain.ends()[-1])]
        if all(len({bench.observe(_on(h, choice.slot, trick), seen) for trick in ends}) == 1 for h in homes):
            where = f"{choice.where}.{parameter}"
            yield Finding(where, f"changes nothing: {seen.value} are the same at both ends of {domain.written()}")


def _twice(found: list[Choice], bench: Bench, decay: Value) -> Iterator[Finding]:
    """The choices of one slot that make the very same run as an earlier one, where weights decay by ``decay``."""
    first: dict[object, Choice] = {}
    for choice in found:
        trick = choice.made()
        seen = Aspect.STEPS if trick.shows_in in (Aspect.GRAPH, Aspect.GROUPS) else trick.shows_in
        home = stand_in(trick)
        if home is None or isinstance(trick, Teacher | File):
            continue
        decaying = home.model_copy(update={"weight_decay": decay})
        run = (home, seen, bench.observe(_on(decaying, choice.slot, trick), seen))
        if run in first:
            yield Finding(choice.where, f"makes the same run as {first[run].option.name}")
        first.setdefault(run, choice)


def _numbers(space: Space, bench: Bench) -> Iterator[Finding]:
    for slot, seen in NUMBERS.items():
        ends = _ends(space.slots[slot])
        runs = {bench.observe(BASE.model_copy(update={slot: end}), seen) for end in (ends[0], ends[-1])}
        if len(set(ends)) > len(runs) == 1:
            yield Finding(slot, f"changes nothing: {seen.value} are the same at {ends[0]} and {ends[-1]}")


def _home(choice: Choice, trick: Trick, home: Recipe) -> Recipe:
    """Where the choice is looked at: in the space's own network if that is what shows, else in a small one."""
    return home if trick.shows_in is Aspect.GRAPH else stand_in(trick) or home


def _on(home: Recipe, slot: str, trick: Trick) -> Recipe:
    return home.model_copy(update={slot: trick})


def _made(option: Option, ask: Callable[[str, Domain], Value] = lambda _, domain: domain.middle()) -> Trick:
    trick = option.suggest("", ask)
    assert trick is not None, "neutral options are left out"
    return trick


def _ends(value: Iterable[Option] | Domain | Value) -> tuple[Value, ...]:
    assert not isinstance(value, Iterable) or isinstance(value, str), "a number slot"
    return value.ends() if isinstance(value, Domain) else (value,)
