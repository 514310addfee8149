"""From the recipe that was asked for to the one that is trained."""

from collections.abc import Callable, Mapping
from pathlib import Path

from autocls.recipe import Recipe, chosen
from autocls.tricks.distillation import Best

Misfits = Callable[[Recipe], Mapping[str, str]]
"""The slots of a recipe whose choice has no place in it, and why."""


def no_misfits(recipe: Recipe) -> Mapping[str, str]:
    """Where nothing is known of what has a place where."""
    return {}


FindTeacher = Callable[[], Path | None]
"""The model folder of the best complete trial; None while there is none."""


def no_teacher() -> None:
    """Where no trial is complete."""


NO_TEACHER = "best: not applicable: no trial is complete yet that it could learn from"


class Fitting:
    """Leaves out of recipes what was ruled out and what has no place in them, and names their teachers."""

    def __init__(self, baseline: Recipe, misfits: Misfits) -> None:
        self._baseline = baseline
        self._misfits = misfits
        self._ruled_out: dict[tuple[str, str], str] = {}

    def rule_out(self, slot: str, choice: str, reason: str) -> None:
        """Have recipes to come take the slot's neutral choice instead."""
        self._ruled_out[slot, choice] = reason

    def settled(self, wanted: Recipe, teacher: FindTeacher) -> tuple[Recipe, dict[str, str]]:
        """The recipe to train for the one that was asked for, and why slots of it are left out."""
        ruled_out = {slot: why for (slot, choice), why in self._ruled_out.items() if chosen(wanted, slot) == choice}
        wanted = wanted.model_copy(update={slot: getattr(self._baseline, slot) for slot in ruled_out})
        misfits = dict(self._misfits(wanted))
        if isinstance(wanted.distill, Best):
            folder = teacher()
            if folder is None:
                misfits["distill"] = NO_TEACHER
            else:
                wanted = wanted.model_copy(update={"distill": wanted.distill.taught_by(folder)})
        return wanted.without(misfits), ruled_out | misfits
