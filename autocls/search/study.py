"""The Optuna study, which is the only truth about a search: asked and told on the driver alone."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalChoiceType,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from autocls.domains import Domain, Int, Log, OneOf, Value
from autocls.errors import BadInput
from autocls.recipe import Recipe, chosen
from autocls.search.journal import Journal
from autocls.search.messages import Asked, Ended, Run
from autocls.search.record import JOURNAL, Record
from autocls.search.strategies import PRUNERS, SAMPLERS
from autocls.space import Space
from autocls.training.footprint import Limits
from autocls.tricks.distillation import Best
from autocls.verdict.verdict import Phase

NAME = "autocls"
"""Of the study in a journal of its own."""
DUPLICATES_IN_A_ROW = 100
"""So many recipes in a row that were tried before mean that the space is exhausted."""

EVERY = 1.0
"""Seconds between two notes of the time."""

T = TypeVar("T")

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


class Study(Record):
    """One search's trials. The baseline is trial 0 and is never pruned."""

    def __init__(self, study: optuna.Study, journal: Journal | None, space: Space, misfits: Misfits) -> None:
        super().__init__(study)
        self._journal = journal
        self._plain = _same(study, NopPruner())
        """The same study, whose sampler has no part in what is begun, and whose pruner stops nothing."""
        self._began: float = time.time() - self.about().get("seconds", 0.0)
        self._noted = self.clock()
        self._seed: int = self.about()["seed"]
        self.limits = Limits(**self.about().get("limits", {}))
        """What a winner's network may cost."""
        self._space = space
        self._baseline = space.baseline()
        self._misfits = misfits
        self._live: dict[int, Trial] = {}
        self._aside: dict[Recipe, Trial] = {}
        self._ruled_out: dict[tuple[str, str], str] = {}
        self._seen: dict[Recipe, int] = {}
        self.unfinished: list[Asked] = []
        """Trials that were begun and have not ended when the study was opened; whoever opens it takes them up."""
        self._half_asked: list[Trial] = []
        self._take_up()

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
        for key, value in {**about, "seed": seed}.items():
            made.set_user_attr(key, value)
        study = cls(made, journal, space, misfits)
        study.note("began", study._began)
        for recipe in dict.fromkeys([space.baseline(), *space.suggestions]):
            study.suggest(recipe)
        return study

    @classmethod
    def reopen(cls, folder: Path, storage: str | None, space: Space, misfits: Misfits = no_misfits) -> "Study":
        """The study of a run folder, to go on with; its clock goes on from when it was left.

        Raises BadInput when there is none, or another process writes it.
        """
        if storage is None and not (folder / JOURNAL).is_file():
            raise BadInput(f"{folder}: holds no study that could go on: there is no {JOURNAL} in it")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        journal = Journal(folder / JOURNAL) if storage is None else None
        store = JournalStorage(journal) if journal is not None else _database(str(storage))
        try:
            plain = optuna.load_study(study_name=NAME if storage is None else folder.name, storage=store)
        except KeyError:
            raise BadInput(f"{folder}: its search was killed before it began; delete the folder and search") from None
        about = plain.user_attrs
        study = optuna.load_study(
            study_name=plain.study_name,
            storage=store,
            sampler=SAMPLERS[about["sampler"]](about["seed"]),
            pruner=PRUNERS[about["pruner"]](space.most_epochs()),
        )
        return cls(study, journal, space, misfits)

    def _take_up(self) -> None:
        """Take up what an earlier process left: recipes that were tried, trials that run, and the half asked."""
        judged = _same(self._study, self._study.pruner)
        for trial in self.trials():
            kept, running = trial.user_attrs, trial.state == TrialState.RUNNING
            phase = Phase(kept.get("phase", Phase.SEARCH))
            if running and "started" not in kept:
                self._half_asked.append(Trial(self._study, trial._trial_id))
            if "started" not in kept or "duplicate_of" in kept:
                continue
            recipe = Recipe.from_yaml(kept["recipe"])
            if phase is Phase.SEARCH:
                self._seen.setdefault(recipe, trial.number)
            if running:
                self._live[trial.number] = Trial(judged if phase is Phase.SEARCH else self._plain, trial._trial_id)
                seed = kept.get("seed", self._seed)
                self.unfinished.append(Asked(trial.number, recipe, seed, phase, kept.get("tries", 0)))

    def suggest(self, recipe: Recipe) -> None:
        """Have a recipe of the space tried before what the sampler finds, unless it was.

        Raises Problems when the space lacks it.
        """
        self._study.enqueue_trial(self._space.parameters(recipe), skip_if_exists=True)

    def rule_out(self, slot: str, choice: str, reason: str) -> None:
        """Leave a choice out of all recipes to come, which have its slot's neutral one instead."""
        self._ruled_out[slot, choice] = reason

    def begin(self, run: Run) -> Asked:
        """A trial of a designed run, which the sampler learns from if it has parameters."""
        distributions = {name: _distribution(domain) for name, (domain, _) in run.parameters.items()}
        about = {
            **_plans(run.recipe),
            "started": self.clock(),
            "phase": run.phase.value,
            "seed": run.seed,
            "role": run.role,
        }
        self._plain.add_trial(
            create_trial(
                state=TrialState.RUNNING,
                params={name: value for name, (_, value) in run.parameters.items()},
                distributions=distributions,
                user_attrs=about,
            )
        )
        begun = self._plain.get_trials(deepcopy=False)[-1]
        self._live[begun.number] = Trial(self._plain, begun._trial_id)
        return Asked(begun.number, run.recipe, run.seed, run.phase)

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
            for key, value in {**_plans(recipe), "started": self.clock()}.items():
                trial.set_user_attr(key, value)
            first = self._seen.setdefault(recipe, trial.number)
            if first == trial.number:
                self._live[first] = trial
                return Asked(first, recipe, self._seed, Phase.SEARCH)
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
        trial = self._half_asked.pop(0) if self._half_asked else self._study.ask()
        return trial, self._space.suggest(lambda name, domain: _suggest(trial, name, domain))

    def _settled(self, wanted: Recipe, teacher: FindTeacher) -> tuple[Recipe, dict[str, str]]:
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

    def knows(self, number: int, epoch: int) -> bool:
        """Whether it has a trial's score of an epoch."""
        return epoch in self._trial(number).intermediate_values

    def report(self, number: int, epoch: int, score: float) -> bool:
        """Take in one epoch's score, unless it has it; whether the pruner would stop the trial here."""
        trial = self._live[number]
        if not self.knows(number, epoch):
            trial.report(score, epoch)
        self._note_the_time()
        return number > 0 and trial.should_prune()  # designed runs have a pruner that never would

    def try_again(self, number: int, tries: int, reason: str) -> None:
        """Keep that a trial has to be run once more, after so many tries that went wrong."""
        self._live[number].set_user_attr("tries", tries)
        self._live[number].set_user_attr("reason", reason)

    def tell(self, number: int, state: str, ended: Ended) -> None:
        """End a trial as COMPLETE (scored by its best epoch), PRUNED or FAIL."""
        trial = self._live.pop(number)
        kept = {**vars(ended), **(vars(ended.footprint) if ended.footprint else {}), "footprint": None}
        had = self._trial(number).user_attrs
        self._note_the_time()
        for key, value in {"finished": self.clock(), **kept}.items():
            if (value not in (None, "") and value == value) or (key == "reason" and key in had):
                trial.set_user_attr(key, value)
        if ended.footprint is not None:
            for key, by in self.limits.excess(ended.footprint.parameters, ended.footprint.latency).items():
                trial.set_constraint(key, by)
        told = self._trial(number)
        if told.user_attrs.get("phase") == Phase.SCREEN and state == "COMPLETE":
            state = "PRUNED"  # its few epochs must not look to the sampler like a whole training
        self._study.tell(
            trial, max(told.intermediate_values.values()) if state == "COMPLETE" else None, TrialState[state]
        )

    def note(self, key: str, value: Any) -> None:
        """Keep something about the whole search in the study."""
        self._study.set_user_attr(key, value)

    def decide(self, what: str, how: Callable[[], T]) -> T:
        """What was decided of something, now or earlier: a search that is resumed keeps to it. JSON can hold it."""
        key = f"decided: {what}"
        if key not in self.about():
            self.note(key, how())
        return cast(T, self.about()[key])

    def leave_undone(self, why: str) -> None:
        """Keep what a verdict will lack, and why."""
        undone = self.about().get("undone", [])
        if why not in undone:
            self.note("undone", [*undone, why])

    def resume(self) -> None:
        """Let the clock go on from where the study was left, as a search that runs."""
        self._began = time.time() - self.about().get("seconds", 0.0)
        self._noted = self.clock()
        self.note("began", self._began)
        self.note("stopped", "")

    def flush(self) -> None:
        """Wait until everything that was told is on the disk. Raises BadInput when it can't be written."""
        if self._journal is not None:
            self._journal.flush()

    def close(self) -> None:
        """Wait until everything is on the disk, and let another process go on. Raises BadInput as ``flush`` does."""
        if self._journal is not None:
            self._journal.close()

    def _note_the_time(self) -> None:
        """Keep how long the study was worked on, which a search that is killed can't tell at its end."""
        if self.clock() >= self._noted + EVERY:
            self._noted = self.clock()
            self.note("seconds", self._noted)

    def clock(self) -> float:
        """Seconds since the start."""
        return time.time() - self._began

    def _trial(self, number: int) -> FrozenTrial:
        return self._study.get_trials(deepcopy=False)[number]  # study.trials would copy all of them

    def _tell_duplicate(self, trial: Trial, first: int) -> None:
        """The sampler learns what it would have learned by training the recipe again; the search spends nothing."""
        earlier = self._trial(first)
        trial.set_user_attr("duplicate_of", first)
        for key, by in earlier.constraints.items():
            trial.set_constraint(key, by)
        if earlier.state == TrialState.COMPLETE:
            self._study.tell(trial, earlier.value)
        else:
            self._study.tell(trial, state=TrialState.FAIL if earlier.state == TrialState.FAIL else TrialState.PRUNED)


def _same(study: optuna.Study, pruner: optuna.pruners.BasePruner) -> optuna.Study:
    """The study, whose sampler has no part in trials that are made by hand."""
    return optuna.load_study(
        study_name=study.study_name, storage=study._storage, sampler=RandomSampler(), pruner=pruner
    )


def _plans(recipe: Recipe) -> dict[str, Any]:
    return {"recipe": recipe.to_yaml(), "planned": recipe.epochs}


def _distribution(domain: Domain) -> BaseDistribution:
    if isinstance(domain, OneOf):
        return CategoricalDistribution(cast(list[CategoricalChoiceType], list(domain.values)))
    if isinstance(domain, Int):
        return IntDistribution(domain.low, domain.high)
    return FloatDistribution(domain.low, domain.high, log=isinstance(domain, Log))


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
