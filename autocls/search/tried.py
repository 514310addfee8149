"""Which recipes a study has tried, by any of the drivers that share it."""

from collections.abc import Container, Sequence

from optuna.trial import FrozenTrial

from autocls.recipe import Recipe
from autocls.verdict.verdict import Phase


class Tried:
    """The recipes that the search has begun, each with the number of its first trial."""

    def __init__(self) -> None:
        self._first: dict[Recipe, int] = {}
        self._looked_at = 0
        """How many trials."""
        self._unsaid: list[int] = []
        """Those of them that have not said yet what they are."""

    def __len__(self) -> int:
        return len(self._first)

    def __contains__(self, recipe: Recipe) -> bool:
        return recipe in self._first

    def first(self, recipe: Recipe, number: int) -> int:
        """The first trial of a recipe, which is the one of that number where there was none."""
        return self._first.setdefault(recipe, number)

    def take_in(self, trials: Sequence[FrozenTrial], known: Container[int] = ()) -> None:
        """Take in what a study's trials, in order, have begun since the last time, but for those that are known."""
        unread, self._looked_at = [*self._unsaid, *range(self._looked_at, len(trials))], len(trials)
        self._unsaid = [number for number in unread if number not in known and not self._read(trials[number])]

    def _read(self, trial: FrozenTrial) -> bool:
        """Whether a trial has said what it is."""
        kept = trial.user_attrs
        if "started" not in kept:
            return trial.state.is_finished()
        if kept.get("phase", Phase.SEARCH) == Phase.SEARCH:
            self.first(Recipe.from_yaml(kept["recipe"]), trial.number)
        return True
