"""A space: a recipe with some slots left open."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from autocls.domains import Domain, OneOf, Value
from autocls.grammar import Document, Problem, Problems, at, each, parse, read, write
from autocls.options import Ask, Option, closed, number_slot, options
from autocls.recipe import Recipe, decide, fitting, kind, slot, written
from autocls.shipped import find
from autocls.tricks.base import Trick


@dataclass(frozen=True)
class Space:
    """What each slot is open to: options of a trick slot, a domain or one value of a number slot."""

    slots: Mapping[str, tuple[Option, ...] | Domain | Value]
    about: str = ""
    suggestions: tuple[Recipe, ...] = ()

    @classmethod
    def load(cls, name: str | Path) -> Self:
        """The space in a file, or the shipped space of that name. Raises BadInput."""
        return cls.from_document(read(find(name)))

    @classmethod
    def from_document(cls, document: Document) -> Self:
        """The space in a parsed file. Raises Problems with every error of the file."""
        return document.read_as(cls.from_plain)

    @classmethod
    def from_yaml(cls, text: str) -> Self:
        """The space in YAML text. Raises Problems with every error of the text."""
        return cls.from_document(parse(text))

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The space that YAML wrote as ``plain``; unsaid slots stay neutral. Raises Problems."""
        given = dict(plain)
        about, suggested = str(given.pop("about", "")), given.pop("suggestions", [])
        slots = each(given, _opened)
        for name in Recipe.model_fields:
            if name not in slots:
                default, tricks = Recipe.model_fields[name].default, kind(name)
                slots[name] = default if tricks is None else (closed(tricks, default),)
        space = cls({name: slots[name] for name in Recipe.model_fields}, about)
        return cls(space.slots, about, each({"suggestions": suggested}, space._suggested)["suggestions"])

    def open_slots(self) -> list[str]:
        """The slots with something left to decide."""
        return [name for name, value in self.slots.items() if not _is_closed(value)]

    def suggest(self, ask: Ask) -> Recipe:
        """A recipe of this space, everything open decided by ``ask``."""
        decided: dict[str, Any] = {}
        for name, value in self.slots.items():
            if isinstance(value, tuple):
                picked = value[0].name if len(value) == 1 else ask(name, OneOf(*(o.name for o in value)))
                decided[name] = next(o for o in value if o.name == picked).suggest(name, ask)
            elif isinstance(value, Value):
                decided[name] = value
            else:
                decided[name] = ask(name, value)
        return Recipe(**decided)

    def baseline(self) -> Recipe:
        """The recipe with every trick off as far as the space allows; otherwise each slot's first option."""

        def plain(name: str, domain: Domain) -> Value:
            first, *rest = name.split(".")
            tricks = kind(first)
            default = slot(first).default
            if rest and tricks is not None:
                wanted = tricks.find(rest[-2])[0].model_fields[rest[-1]].default
            else:
                wanted = default if tricks is None else _name(tricks, default)
            return wanted if domain.contains(wanted) else domain.middle()

        return self.suggest(plain)

    def fit_for(self, *, multilabel: bool) -> tuple[Self, list[str]]:
        """This space without the choices that make no sense for images with any number of labels, and why each doesn't.

        A slot that needs a choice and has none left gets the first one that makes sense. For images of one class each
        it is the space itself.
        """
        kept, why = dict(self.slots), list[str]()
        for name, open_to in self.slots.items():
            tricks = kind(name)
            if not multilabel or tricks is None or not isinstance(open_to, tuple):
                continue
            unfit = [option.trick for option in open_to if option.trick is not None and option.trick.one_label]
            fit = tuple(option for option in open_to if option.trick not in unfit)
            if not fit:
                instead = fitting(tricks)[0] if tricks.required else None
                fit = (closed(tricks, tricks.parse(instead)),)
            kept[name] = fit
            why += [
                f"{name}: {trick.name}, as the images have any number of labels, and {trick.one_label}"
                + ("" if fit[0] in open_to else f"; it is {fit[0].name} instead")
                for trick in unfit
            ]
        space = type(self)(kept, self.about)
        baseline = space.baseline()
        suggestions = tuple(
            s.model_copy(update={name: getattr(baseline, name) for name in s.unfit(multilabel=multilabel)})
            for s in self.suggestions
        )
        return type(self)(kept, self.about, suggestions), why

    def complete(self, partial: Mapping[str, Any]) -> Recipe:
        """The baseline with some slots decided as YAML writes them. Raises Problems when that isn't in the space."""
        if not isinstance(partial, Mapping):
            raise Problems([Problem((), f"expected {{slot: choice, …}}, found {partial!r:.40}")])
        recipe = self.baseline().model_copy(update=each(partial, decide))
        self.parameters(recipe)
        return recipe

    def _suggested(self, _: str, listed: object) -> tuple[Recipe, ...]:
        if not isinstance(listed, list):
            raise Problems([Problem((), "expected a list of partial recipes")])
        return tuple(each(dict(enumerate(listed)), lambda _, partial: self.complete(partial)).values())

    def parameters(self, recipe: Recipe) -> dict[str, Value]:
        """The answers to ``suggest``'s questions that give ``recipe``. Raises Problems when the space lacks it."""
        answers: dict[str, Value] = {}

        def read_off(name: str, domain: Domain) -> Value:
            first, *rest = name.split(".")
            chosen, tricks = getattr(recipe, first), kind(first)
            option = name.removeprefix(f"{first}.").rpartition(".")[0]
            if rest and tricks is not None and _name(tricks, chosen) != option:
                message = f"{_name(tricks, chosen)} is not in this space, which has {option} here"
                raise Problems([Problem((first,), message)])
            value = getattr(chosen, rest[-1]) if rest else chosen if tricks is None else _name(tricks, chosen)
            if not domain.contains(value):
                raise Problems([Problem((first,), f"{name} = {value} is not in this space: {domain.written()}")])
            answers[name] = value
            return value

        found = self.suggest(read_off)
        for name in Recipe.model_fields:
            if getattr(found, name) != getattr(recipe, name):
                wanted, allowed = (written(name, getattr(r, name)) for r in (recipe, found))
                raise Problems([Problem((name,), f"{wanted} is not in this space, which has {allowed} here")])
        return answers

    def most_epochs(self) -> int:
        """The most epochs that a recipe of this space may ask for."""
        epochs = self.slots["epochs"]
        assert not isinstance(epochs, tuple), "epochs is a number slot"
        ends = (epochs,) if isinstance(epochs, Value) else epochs.ends()
        return max(int(end) for end in ends)

    def sizes(self) -> list[int]:
        """The image sizes that are listed; an open range has none until a recipe picks one."""
        size = self.slots["image_size"]
        if isinstance(size, OneOf):
            return [int(v) for v in size.values]
        return [size] if isinstance(size, int) else []

    def with_epochs(self, epochs: int) -> Self:
        """This space with the number of epochs decided. Raises Problems when that is out of range."""
        try:
            value = decide("epochs", epochs)
        except Problems as error:
            raise Problems(at(("epochs",), error)) from None
        suggestions = tuple(s.model_copy(update={"epochs": value}) for s in self.suggestions)
        return type(self)({**self.slots, "epochs": value}, self.about, suggestions)

    def plain(self) -> dict[str, Any]:
        """The space as plain YAML values, every range spelled out."""
        out: dict[str, Any] = {"about": self.about} if self.about else {}
        for name, value in self.slots.items():
            if isinstance(value, tuple):
                out[name] = value[0].written() if len(value) == 1 else [o.written() for o in value]
            else:
                out[name] = value if isinstance(value, Value) else value.written()
        if self.suggestions:
            base = self.baseline().plain()
            out["suggestions"] = [{k: v for k, v in s.plain().items() if v != base[k]} for s in self.suggestions]
        return out

    def to_yaml(self) -> str:
        """The space as YAML that ``load`` reads back as this very space."""
        return write(self.plain())


def _opened(name: str, value: Any) -> tuple[Option, ...] | Domain | Value:
    tricks = kind(name)
    return number_slot(name, value) if tricks is None else options(tricks, value)


def _name(tricks: type[Trick], chosen: Trick | None) -> str:
    return tricks.neutral if chosen is None else chosen.choice


def _is_closed(value: tuple[Option, ...] | Domain | Value) -> bool:
    if isinstance(value, tuple):
        return len(value) == 1 and not value[0].open
    return isinstance(value, Value)
