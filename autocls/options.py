"""What a slot of a space is open to: its options and domains, and how YAML writes them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from autocls.domains import Domain, OneOf, Value, is_domain, number, parse_domain
from autocls.errors import unknown
from autocls.grammar import Problem, Problems, at
from autocls.recipe import slot
from autocls.tricks.base import Trick, check, declared, split

Ask = Callable[[str, Domain], Value]
"""Decides one open thing: its name (``optimizer``, ``optimizer.sgd.lr``) and domain in, a value of the domain out."""

ANY = "any"
"""Written for a slot: every choice there is, or the number's own range."""


@dataclass(frozen=True)
class Option:
    """One choice that a slot is open to: its decided parameters, and the domains of its open ones."""

    name: str
    trick: type[Trick] | None
    decided: Mapping[str, Any] = field(default_factory=dict)
    open: Mapping[str, Domain] = field(default_factory=dict)

    def suggest(self, path: str, ask: Ask) -> Trick | None:
        """The choice, its open parameters as ``ask`` answers."""
        if self.trick is None:
            return None
        asked = {name: ask(f"{path}.{self.name}.{name}", domain) for name, domain in self.open.items()}
        return self.trick(**self.decided, **asked)

    def written(self) -> Any:
        """The option as plain YAML."""
        implied = {"entry"} if self.name.endswith(f":{self.decided.get('entry')}") else set()
        parameters = {k: v for k, v in self.decided.items() if k not in implied}
        parameters |= {k: domain.written() for k, domain in self.open.items()}
        return {self.name: parameters} if parameters else self.name


def closed(tricks: type[Trick], chosen: Trick | None) -> Option:
    """The option of one decided choice."""
    if chosen is None:
        return Option(tricks.neutral, None)
    return Option(chosen.choice, type(chosen), chosen.model_dump())


def number_slot(name: str, value: Any) -> Domain | Value:
    """What YAML wrote as ``value`` leaves a number slot open to. Raises Problems."""
    its = slot(name)
    if value == ANY:
        own = declared(its)
        if own is None:
            raise Problems([Problem((), "has no range of its own: write one")])
        return own
    return _range(its, value)


def _range(of: Any, value: Any) -> Domain | Value:
    """The domain or the value written as ``value`` for a pydantic field. Raises Problems."""
    try:
        if not is_domain(value):
            decided: Value = check(of, value)
            return decided
        typed = of.annotation if of.annotation in (int, float, bool, str) else type(of.default)
        if isinstance(value, list):
            return OneOf(*(check(of, item) for item in value))
        domain = parse_domain(value, typed)
        for end in domain.ends():
            check(of, number(end, typed) if typed in (int, float) else end)
        return domain
    except ValueError as error:
        raise Problems([Problem((), str(error))]) from None


def options(tricks: type[Trick], value: Any) -> tuple[Option, ...]:
    """What YAML wrote as ``value`` leaves a slot of this kind open to. Raises Problems."""
    items: list[Any] = value if isinstance(value, list) else [value]
    if not items:
        raise Problems([Problem((), "an empty list leaves nothing to choose")])
    problems: list[Problem] = []
    found: list[Option] = []
    for i, item in enumerate(items):
        place: tuple[str | int, ...] = (i,) if isinstance(value, list) else ()
        try:
            found += _group(tricks, item) or [_option(tricks, item)]
        except Problems as error:
            problems += at(place, error)
    names = [o.name for o in found]
    problems += [Problem((), f"'{n}' stands twice: list its parameter's values instead") for n in _doubles(names)]
    if problems:
        raise Problems(problems)
    return tuple(found)


def _group(tricks: type[Trick], item: Any) -> list[Option]:
    """The choices that ``item`` stands for as a word, but for those that must be told more; none for other words."""
    if item == ANY:
        needy = {n for n, t in tricks.choices().items() if any(f.is_required() for f in t.model_fields.values())}
        names = [n for n in tricks.choices() if n not in needy]
        return [_option(tricks, n) for n in (names if tricks.required else [tricks.neutral, *names])]
    if not isinstance(item, str):
        return []
    return [_option(tricks, name) for name, trick in tricks.choices().items() if item in trick.words]


def _option(tricks: type[Trick], item: Any) -> Option:
    name, parameters = split(item)
    if tricks.is_neutral(name) or not _known(tricks, name):
        tricks.parse(item)  # says what is wrong with it, if anything is
        return Option(tricks.neutral, None)
    trick, implied = tricks.find(name)
    problems: list[Problem] = []
    decided, opened = dict[str, Any](implied), dict[str, Domain]()
    try:
        given = trick.named(parameters)
    except ValueError as error:
        raise Problems([Problem((name,), str(error))]) from None
    for parameter in [*trick.model_fields, *(p for p in given if p not in trick.model_fields)]:
        if parameter in implied:
            continue
        if parameter not in trick.model_fields:
            message = unknown("parameter", parameter, [p for p in trick.model_fields if p not in implied])
            problems.append(Problem((name, parameter), message))
            continue
        its = trick.model_fields[parameter]
        if its.is_required() and parameter not in given:
            continue  # parsing says that it is missing
        try:
            value = _range(its, given[parameter]) if parameter in given else declared(its) or its.default
        except Problems as error:
            problems += at((name, parameter), error)
            continue
        if isinstance(value, Value):
            decided[parameter] = value
        else:
            opened[parameter] = value
    if not problems:
        asked = {k: domain.ends()[0] for k, domain in opened.items() if trick.model_fields[k].is_required()}
        tricks.parse({name: {k: v for k, v in (decided | asked).items() if k not in implied}})
        return Option(name, trick, decided, opened)
    raise Problems(problems)


def _known(tricks: type[Trick], name: str) -> bool:
    try:
        tricks.find(name)
    except ValueError:
        return False
    return True


def _doubles(names: list[str]) -> list[str]:
    return sorted({n for n in names if names.count(n) > 1})
