"""Cards: what there is to know of a trick or a network, derived from its class."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic.fields import FieldInfo

from autocls.errors import BadInput, unknown
from autocls.models.count import cost
from autocls.models.stems import SMALL
from autocls.recipe import Recipe, kind
from autocls.tricks.architecture import Architecture
from autocls.tricks.base import Trick, declared


@dataclass(frozen=True)
class Parameter:
    """One number or word of a trick."""

    name: str
    default: Any
    """None when a recipe must say it."""
    range: Any
    """What is searched unless a space says otherwise, as YAML writes it; None for nothing."""
    about: str

    def __str__(self) -> str:
        default = "to be given" if self.default is None else f"{self.default}" or "''"
        searched = f", searched over {self.range}" if self.range is not None else ""
        return f"{self.name} = {default}{searched}{f'  ({self.about})' if self.about else ''}"


@dataclass(frozen=True)
class Card:
    """One choice of one slot, or one number slot."""

    slot: str
    name: str
    about: str
    """What it does."""
    when: str
    """When it helps."""
    interactions: str
    shows_in: str
    """What of a run is another with it."""
    groups: tuple[str, ...]
    """The words that stand for it and others in a space."""
    parameters: tuple[Parameter, ...]
    paper: str

    @property
    def summary(self) -> str:
        """The first line of what it does."""
        return self.about.split("\n")[0]


@dataclass(frozen=True)
class NetworkCard(Card):
    """An architecture, and what it costs for 10 classes of colour images."""

    source: str
    """Whose code it is."""
    weights: int | None
    """How many it has at the first of the sizes; None for a door that isn't followed by a name."""
    multiply_adds: Mapping[int, int]
    """Of one image, by its pixels a side."""
    smallest: int | None
    """Smaller images, in pixels a side, are enlarged to this; None where that depends on the name."""
    small_stem_below: int | None
    """Images of fewer pixels a side meet a stem that doesn't shrink them; None where all meet the paper's."""


def network_cards() -> list[NetworkCard]:
    """The card of every architecture, counted at 32 pixels."""
    return [network_card(name, sizes=[32]) for name in Architecture.choices()]


def network_card(name: str, sizes: Sequence[int] = (32, 224)) -> NetworkCard:
    """The card of the architecture called ``name``, its multiply-adds counted at these sizes. Raises BadInput."""
    made = None if name.endswith(":") else Architecture.parse(name)
    trick = type(made) if made else Architecture.choices()[name]
    costs = {size: cost(made.build, 10, 3, size) for size in sizes} if made else {}
    plain = vars(card("architecture", trick))
    return NetworkCard(
        **{**plain, "name": made.choice if made else plain["name"]},
        source=trick.source,
        weights=costs[sizes[0]].parameters if made else None,
        multiply_adds={size: its.multiply_adds for size, its in costs.items()},
        smallest=trick.smallest or None,
        small_stem_below=SMALL if trick.small_stem else None,
    )


def cards(name: str | None = None) -> list[Card]:
    """The cards of everything, of a slot's choices, or of the choices called ``name``. Raises BadInput."""
    found = [card(slot, trick) for slot in Recipe.model_fields for trick in _choices(slot)]
    found += [_number(slot, field) for slot, field in Recipe.model_fields.items() if kind(slot) is None]
    if name is None:
        return found
    wanted = [c for c in found if name in (c.name, c.slot, f"{c.slot}.{c.name}")]
    if not wanted:
        raise BadInput(unknown("trick", name, dict.fromkeys(n for c in found for n in (c.slot, c.name))))
    return wanted


def card(slot: str, trick: type[Trick]) -> Card:
    """The card of a trick's class."""
    return Card(
        slot=slot,
        name=f"{trick.name}NAME" if trick.name.endswith(":") else trick.name,
        about=inspect.cleandoc(trick.__doc__ or "").replace("``", ""),
        when=trick.when,
        interactions=trick.interactions,
        shows_in=trick.shows_in.value,
        groups=tuple(sorted(trick.words)),
        parameters=tuple(_parameter(n, f) for n, f in trick.model_fields.items() if n != "entry"),
        paper=trick.paper,
    )


def _choices(slot: str) -> list[type[Trick]]:
    tricks = kind(slot)
    return list(tricks.choices().values()) if tricks else []


def _number(slot: str, field: FieldInfo) -> Card:
    return Card(slot, slot, field.description or "a number", "", "", "", (), (_parameter(slot, field),), "")


def _parameter(name: str, field: FieldInfo) -> Parameter:
    own = declared(field)
    default = None if field.is_required() else field.default
    return Parameter(name, default, own.written() if own else None, field.description or "")
