"""The Optuna study, which is the only truth about a search: asked and told on the driver alone."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import optuna
from optuna.distributions import CategoricalChoiceType
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from autocls.domains import Domain, Int, Log, OneOf, Value
from autocls.errors import BadInput
from autocls.recipe import Recipe
from autocls.search.journal import Journal, WithoutAnswers
from autocls.search.strategies import PRUNERS, SAMPLERS
from autocls.space import Space
from autocls.tricks.distillation import Best

JOURNAL = "journal.log"
NAME = "autocls"
"""Of the study in a journal of its own."""
DUPLICATES_IN_A_ROW = 100
"""So many recipes in a row that were tried before mean that the space is exhausted."""

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


@dataclass(frozen=True)
class Asked:
    """A trial that was asked for: its number in the study, and what to train."""

    number: int
    recipe: Recipe


@dataclass(frozen=True)
class Row:
    """One trial as the study holds it. Times are seconds; ``started`` and ``finished`` since the search's start."""

    number: int
    state: str
    """COMPLETE, PRUNED or FAIL."""
    score: float
    """The best epoch's; NaN when no epoch ended."""
    epochs: int
    planned: int
    seconds: float
    parameters: int | None
    started: float
    finished: float
    reason: str
    """Why a trial failed, or ended before the pruner or its last epoch ended it; else empty."""
    left_out: tuple[str, ...]
    """Why choices that were asked for have no place in this recipe, which has their slots' neutral ones instead."""
    curve: tuple[float, ...]
    numerics: str
    """What the network computed with; empty before its first epoch, and for simulated trials."""
    recipe: str
    """YAML."""


class Record:
    """What a study holds, to be read."""

    def __init__(self, study: optuna.Study) -> None:
        self._study = study

    @classmethod
    def open(cls, folder: Path) -> "Record":
        """The study that a run folder's journal holds, to be read, but for the sampler's answers. Raises BadInput."""
        if not (folder / JOURNAL).is_file():
            raise BadInput(f"{folder}: holds no study: there is no {JOURNAL} in it")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        store = JournalStorage(WithoutAnswers(str(folder / JOURNAL)))
        names = optuna.get_all_study_names(store)
        if not names:
            raise BadInput(f"{folder}: its {JOURNAL} holds no study: the search was killed before it began")
        return cls(optuna.load_study(study_name=names[0], storage=store))

    def about(self) -> dict[str, Any]:
        """What is kept about the whole search."""
        return self._study.user_attrs

    def rows(self) -> list[Row]:
        """Every trial that was started, duplicates left out; one still running when its driver died is PRUNED."""
        trials = self._study.get_trials(deepcopy=False)
        return [_row(t) for t in trials if "started" in t.user_attrs and "duplicate_of" not in t.user_attrs]


class Study(Record):
    """One search's trials. The baseline is trial 0 and is never pruned."""

    def __init__(self, study: optuna.Study, journal: Journal | None, space: Space, misfits: Misfits) -> None:
        super().__init__(study)
        self._journal = journal
        self._began = time.time()
        self._space = space
        self._misfits = misfits
        self._live: dict[int, Trial] = {}
        self._seen: dict[Recipe, int] = {}
        self._aside: dict[Recipe, Trial] = {}

    @classmethod
    def create(
        cls,
        folder: Path,
        storage: str | None,
        space: Space,
        about: Mapping[str, Any],
        *,
        seed: int,
        sampler: str,
        pruner: str,
        misfits: Misfits = no_misfits,
    ) -> "Study":
        """A new study whose first trials are the space's baseline and suggestions.

        ``about`` is kept in the study; ``sampler`` and ``pruner`` are names that ``check_names`` knows; ``misfits``
        finds the choices that have no place in a recipe, which are left out of it. Raises BadInput when the store can't
        be opened or holds the study already.
        """
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        name = NAME if storage is None else folder.name
        journal = Journal(folder / JOURNAL) if storage is None else None
        store = JournalStorage(journal) if journal is not None else _database(str(storage))
        made = _new(store, name, SAMPLERS[sampler](seed), PRUNERS[pruner](space.most_epochs()))
        study = cls(made, journal, space, misfits)
        for key, value in {**about, "began": study._began}.items():
            study._study.set_user_attr(key, value)
        for recipe in dict.fromkeys([space.baseline(), *space.suggestions]):
            study._study.enqueue_trial(space.parameters(recipe))
        return study

    def ask(self, teacher: FindTeacher = no_teacher) -> Asked | None:
        """The next trial, of a recipe whose end isn't known from an earlier one; None when the space has no more.

        ``distill: best`` becomes learning from the model folder that ``teacher`` gives. While it gives none, the recipe
        is tried without, and what isn't new so is put aside until there is one (see ``waiting``).
        """
        for _ in range(DUPLICATES_IN_A_ROW):
            trial, wanted = self._next(teacher)
            recipe, left_out = self._settled(wanted, teacher)
            if left_out.get("distill") == NO_TEACHER and recipe in self._seen and wanted not in self._aside:
                self._aside[wanted] = trial
                continue
            trial.set_user_attr("left_out", left_out)
            trial.set_user_attr("recipe", recipe.to_yaml())
            trial.set_user_attr("planned", recipe.epochs)
            trial.set_user_attr("started", self._clock())
            first = self._seen.setdefault(recipe, trial.number)
            if first == trial.number:
                self._live[first] = trial
                return Asked(first, recipe)
            self._tell_duplicate(trial, first)
        return None

    @property
    def waiting(self) -> bool:
        """Whether there are trials that have nothing new to train before a teacher is found."""
        return bool(self._aside)

    def _next(self, teacher: FindTeacher) -> tuple[Trial, Recipe]:
        """A trial that was put aside, once there is a teacher, else a new one; and the recipe that was asked for."""
        if self._aside and teacher() is not None:
            wanted = next(iter(self._aside))
            return self._aside.pop(wanted), wanted
        trial = self._study.ask()
        return trial, self._space.suggest(lambda name, domain: _suggest(trial, name, domain))

    def _settled(self, wanted: Recipe, teacher: FindTeacher) -> tuple[Recipe, dict[str, str]]:
        """The recipe to train for the one that was asked for, and why slots of it are left out."""
        left_out = dict(self._misfits(wanted))
        distill = wanted.distill
        if not isinstance(distill, Best):
            return wanted.without(left_out), left_out
        folder = teacher()
        if folder is None:
            left_out["distill"] = NO_TEACHER
        else:
            wanted = wanted.model_copy(update={"distill": distill.taught_by(folder)})
        return wanted.without(left_out), left_out

    def report(self, number: int, epoch: int, score: float) -> bool:
        """Take in one epoch's score; whether the pruner would stop the trial here."""
        trial = self._live[number]
        trial.report(score, epoch)
        return number > 0 and trial.should_prune()

    def tell(
        self,
        number: int,
        state: str,
        *,
        seconds: float,
        parameters: int | None,
        reason: str = "",
        numerics: str = "",
    ) -> None:
        """End a trial as COMPLETE (scored by its best epoch), PRUNED or FAIL."""
        trial = self._live.pop(number)
        ended = {"finished": self._clock(), "seconds": seconds, "parameters": parameters, "reason": reason}
        for key, value in {**ended, "numerics": numerics}.items():
            trial.set_user_attr(key, value)
        scores = self._trial(number).intermediate_values.values()
        self._study.tell(trial, max(scores) if state == "COMPLETE" else None, TrialState[state])

    def note(self, key: str, value: Any) -> None:
        """Keep something about the whole search in the study."""
        self._study.set_user_attr(key, value)

    def flush(self) -> None:
        """Wait until everything that was told is on the disk. Raises BadInput when it can't be written."""
        if self._journal is not None:
            self._journal.flush()

    def _clock(self) -> float:
        return time.time() - self._began

    def _trial(self, number: int) -> FrozenTrial:
        return self._study.get_trials(deepcopy=False)[number]  # study.trials would copy all of them

    def _tell_duplicate(self, trial: Trial, first: int) -> None:
        """The sampler learns what it would have learned by training the recipe again; the search spends nothing."""
        earlier = self._trial(first)
        trial.set_user_attr("duplicate_of", first)
        if earlier.state == TrialState.COMPLETE:
            self._study.tell(trial, earlier.value)
        else:
            self._study.tell(trial, state=TrialState.FAIL if earlier.state == TrialState.FAIL else TrialState.PRUNED)


def _row(trial: FrozenTrial) -> Row:
    kept, scores = trial.user_attrs, [v for _, v in sorted(trial.intermediate_values.items())]
    running = trial.state == TrialState.RUNNING
    return Row(
        number=trial.number,
        state="PRUNED" if running else trial.state.name,
        score=max(scores, default=math.nan),
        epochs=len(scores),
        planned=kept["planned"],
        seconds=kept.get("seconds", 0.0),
        parameters=kept.get("parameters"),
        started=kept["started"],
        finished=kept.get("finished", kept["started"]),
        reason="the search was killed" if running else kept.get("reason", ""),
        left_out=tuple(kept.get("left_out", {}).values()),
        curve=tuple(scores),
        numerics=kept.get("numerics", ""),
        recipe=kept["recipe"],
    )


def _suggest(trial: Trial, name: str, domain: Domain) -> Value:
    if isinstance(domain, OneOf):
        choices: list[CategoricalChoiceType] = list(domain.values)
        return cast(Value, trial.suggest_categorical(name, choices))  # Optuna's choices may be None, ours never are
    if isinstance(domain, Int):
        return trial.suggest_int(name, domain.low, domain.high)
    return trial.suggest_float(name, domain.low, domain.high, log=isinstance(domain, Log))


def _new(
    store: BaseStorage, name: str, sampler: optuna.samplers.BaseSampler, pruner: optuna.pruners.BasePruner
) -> optuna.Study:
    try:
        return optuna.create_study(storage=store, study_name=name, direction="maximize", sampler=sampler, pruner=pruner)
    except optuna.exceptions.DuplicatedStudyError:
        raise BadInput(f"--storage: it holds a study called '{name}' already; give another --out") from None


def _database(url: str) -> BaseStorage:
    try:
        return RDBStorage(url)
    except Exception as error:  # each database driver raises errors of its own
        raise BadInput(f"--storage {url}: can't be opened: {str(error).splitlines()[0]}") from None
