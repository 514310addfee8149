"""The Optuna study, which is the only truth about a search: asked and told on the driver alone."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

import optuna
from optuna.pruners import NopPruner
from optuna.trial import FrozenTrial, Trial, TrialState

from autocls.errors import BadInput
from autocls.recipe import Recipe
from autocls.search.claim import Claim
from autocls.search.fitting import NO_TEACHER, FindTeacher, Fitting, Misfits, no_misfits, no_teacher
from autocls.search.journal import Journal
from autocls.search.messages import Asked, Ended, Run
from autocls.search.parameters import distribution, suggest
from autocls.search.record import INTERRUPTED, JOURNAL, Record
from autocls.search.sharing import BEGUN, BEGUN_BY, must_agree, noted_by, own
from autocls.search.store import opened
from autocls.search.strategies import PRUNERS, SAMPLERS
from autocls.search.trials import added, asked, is_orphaned, with_pruner
from autocls.search.tried import Tried
from autocls.space import Space
from autocls.training.footprint import Limits
from autocls.verdict.verdict import Phase

DUPLICATES_IN_A_ROW = 100
"""So many recipes in a row that were tried before mean that the space is exhausted."""

EVERY = 1.0
"""Seconds between two notes of the time."""

T = TypeVar("T")


@dataclass
class _Live:
    """A trial of this driver's that runs, and what was kept of it: a store need not be asked for it."""

    trial: Trial
    phase: Phase
    scores: dict[int, float] = field(default_factory=dict)
    """By epoch."""
    tried_again: bool = False


class Study(Record):
    """One search's trials, as one of its drivers sees them. The baseline is trial 0 and is never pruned.

    Several drivers may share a study in a store that takes them: each asks and tells its own trials and learns from
    all. The one that began the study judges it; what the others note is kept apart, under their names.
    """

    def __init__(self, study: optuna.Study, held: Journal | Claim, space: Space, misfits: Misfits, driver: str) -> None:
        super().__init__(study)
        self._held = held
        self._driver = driver
        self._plain = with_pruner(study, NopPruner())
        """The same study, whose sampler has no part in what is begun, and whose pruner stops nothing."""
        self._alone = isinstance(held, Journal)
        """Whether no other driver can share it."""
        self.joined = not self._alone and super().about().get(BEGUN_BY, driver) != driver
        """Whether another driver began the study, and judges it."""
        about = self.about()
        worked = about.get("seconds", 0.0)
        self._began: float = about[BEGUN] if self.joined else time.time() - worked
        self._since = self.clock() - worked
        """When this driver began, would it have worked without a break; on the study's clock."""
        self._noted = self.clock()
        self._seed: int = about["seed"]
        self.limits = Limits(**about.get("limits", {}))
        """What a winner's network may cost."""
        self._space = space
        self._fitting = Fitting(space.baseline(), misfits)
        self._live: dict[int, _Live] = {}
        self._aside: dict[Recipe, Trial] = {}
        self._tried = Tried()
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
        driver: str = "",
    ) -> "Study":
        """A new study whose first trials are the space's baseline and suggestions, or a shared one that is joined.

        ``about`` is kept in the study; ``sampler`` and ``pruner`` are names that ``check_names`` knows; ``misfits``
        finds the choices that have no place in a recipe, which are left out of it. ``driver`` names who asks, among
        those that share the study. Raises BadInput when the store can't be opened, or its study is of another search.
        """
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        store, name, held = opened(folder, storage)
        found = {**about, "seed": seed, "sampler": sampler, "pruner": pruner, "space_yaml": space.to_yaml()}
        try:
            made = optuna.create_study(
                storage=store,
                study_name=name,
                direction="maximize",
                sampler=SAMPLERS[sampler](seed),
                pruner=PRUNERS[pruner](space.most_epochs()),
            )
        except optuna.exceptions.DuplicatedStudyError:
            must_agree(optuna.load_study(storage=store, study_name=name), found)
            held.close()
            return cls.reopen(folder, storage, space, misfits, driver)
        for key, value in found.items():
            made.set_user_attr(key, value)
        study = cls(made, held, space, misfits, driver)
        study.note(BEGUN_BY, driver)
        for recipe in dict.fromkeys([space.baseline(), *space.suggestions]):
            study.suggest(recipe)
        study.note(BEGUN, study._began)  # last: who joins waits for it
        return study

    @classmethod
    def reopen(
        cls, folder: Path, storage: str | None, space: Space, misfits: Misfits = no_misfits, driver: str = ""
    ) -> "Study":
        """The study of a run folder, to go on with; its clock goes on from when it was left.

        Raises BadInput when there is none, or another process writes the folder's own.
        """
        if storage is None and not (folder / JOURNAL).is_file():
            raise BadInput(f"{folder}: holds no study that could go on: there is no {JOURNAL} in it")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        store, name, held = opened(folder, storage)
        try:
            about = optuna.load_study(study_name=name, storage=store).user_attrs
        except KeyError:
            raise BadInput(f"{folder}: its search was killed before it began; delete the folder and search") from None
        study = optuna.load_study(
            study_name=name,
            storage=store,
            sampler=SAMPLERS[about["sampler"]](about["seed"]),
            pruner=PRUNERS[about["pruner"]](space.most_epochs()),
        )
        return cls(study, held, space, misfits, driver)

    def about(self) -> dict[str, Any]:
        """What is kept about the whole search; of what each driver notes for itself, this one's."""
        return own(super().about(), self._driver) if self.joined else super().about()

    def _take_up(self) -> None:
        """Take up what an earlier process of this driver left: recipes that were tried, trials that run, half asked."""
        judged = with_pruner(self._study, self._study.pruner)
        trials = self.trials()
        self._tried.take_in(trials)
        for trial in trials:
            kept, phase = trial.user_attrs, Phase(trial.user_attrs.get("phase", Phase.SEARCH))
            if trial.state != TrialState.RUNNING:
                continue
            mine = self._alone or kept.get("driver") == self._driver
            if "started" not in kept and (mine or is_orphaned(trial)):
                self._half_asked.append(Trial(self._study, trial._trial_id))
            elif "started" in kept and mine:
                recipe, seed = Recipe.from_yaml(kept["recipe"]), kept.get("seed", self._seed)
                again = Trial(judged if phase is Phase.SEARCH else self._plain, trial._trial_id)
                scores = dict(trial.intermediate_values)
                self._live[trial.number] = _Live(again, phase, scores, tried_again="tries" in kept)
                self.unfinished.append(Asked(trial.number, recipe, seed, phase, kept.get("tries", 0)))

    def _take_in_others(self) -> None:
        """Keep in mind what other drivers have begun since the last time."""
        if not self._alone:
            self._tried.take_in(self.trials(), known=self._live)

    def begun(self) -> int:
        """How many recipes the search has begun, by all its drivers."""
        self._take_in_others()
        return len(self._tried)

    def search_has_ended(self) -> bool:
        """Whether the driver that began the study asks for no more trials of the search."""
        about = super().about()
        return bool(about.get("searched")) or about.get("stopped", "") not in ("", INTERRUPTED)

    def suggest(self, recipe: Recipe) -> None:
        """Have a recipe of the space tried before what the sampler finds, unless it was.

        Raises Problems when the space lacks it.
        """
        self._study.enqueue_trial(self._space.parameters(recipe), skip_if_exists=True)

    def rule_out(self, slot: str, choice: str, reason: str) -> None:
        """Leave a choice out of all recipes to come, which have its slot's neutral one instead."""
        self._fitting.rule_out(slot, choice, reason)

    def begin(self, run: Run) -> Asked:
        """A trial of a designed run, which the sampler learns from if it has parameters."""
        distributions = {name: distribution(domain) for name, (domain, _) in run.parameters.items()}
        about = {
            **self._plans(run.recipe),
            "phase": run.phase.value,
            "seed": run.seed,
            "role": run.role,
        }
        parameters = {name: value for name, (_, value) in run.parameters.items()}
        trial = added(self._plain, user_attrs=about, params=parameters, distributions=distributions)
        self._live[trial.number] = _Live(trial, run.phase)
        return Asked(trial.number, run.recipe, run.seed, run.phase)

    def ask(self, teacher: FindTeacher = no_teacher) -> Asked | None:
        """The next trial, of a recipe whose end isn't known from an earlier one; None when the space has no more.

        ``distill: best`` becomes learning from the model folder that ``teacher`` gives. While it gives none, the recipe
        is tried without, and what isn't new so is put aside until there is one (see ``waiting``).
        """
        for _ in range(DUPLICATES_IN_A_ROW):
            trial, wanted = self._next(teacher)
            recipe, left_out = self._fitting.settled(wanted, teacher)
            if left_out.get("distill") == NO_TEACHER and recipe in self._tried and wanted not in self._aside:
                self._aside[wanted] = trial
                continue
            self._take_in_others()
            first = self._tried.first(recipe, trial.number)
            if first != trial.number:
                self._tell_duplicate(trial, first)
                continue
            for key, value in {"left_out": left_out, **self._plans(recipe)}.items():
                trial.set_user_attr(key, value)
            self._live[first] = _Live(trial, Phase.SEARCH)
            return Asked(first, recipe, self._seed, Phase.SEARCH)
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
        trial = self._half_asked.pop(0) if self._half_asked else asked(self._study, self._driver)
        return trial, self._space.suggest(lambda name, domain: suggest(trial, name, domain))

    def knows(self, number: int, epoch: int) -> bool:
        """Whether it has a trial's score of an epoch."""
        return epoch in self._live[number].scores

    def report(self, number: int, epoch: int, score: float) -> bool:
        """Take in one epoch's score, unless it has it; whether the pruner would stop the trial here."""
        live = self._live[number]
        if not self.knows(number, epoch):
            live.trial.report(score, epoch)
            live.scores[epoch] = score
        self._note_the_time()
        return number > 0 and live.trial.should_prune()  # designed runs have a pruner that never would

    def try_again(self, number: int, tries: int, reason: str) -> None:
        """Keep that a trial has to be run once more, after so many tries that went wrong."""
        live = self._live[number]
        live.tried_again = True
        live.trial.set_user_attr("tries", tries)
        live.trial.set_user_attr("reason", reason)

    def tell(self, number: int, state: str, ended: Ended) -> None:
        """End a trial as COMPLETE (scored by its best epoch), PRUNED or FAIL."""
        live = self._live.pop(number)
        trial = live.trial
        kept = {**vars(ended), **(vars(ended.footprint) if ended.footprint else {}), "footprint": None}
        self._note_the_time()
        for key, value in {"finished": self.clock(), **kept}.items():
            if (value not in (None, "") and value == value) or (key == "reason" and live.tried_again):
                trial.set_user_attr(key, value)
        if ended.footprint is not None:
            for key, by in self.limits.excess(ended.footprint.parameters, ended.footprint.latency).items():
                trial.set_constraint(key, by)
        if live.phase is Phase.SCREEN and state == "COMPLETE":
            state = "PRUNED"  # its few epochs must not look to the sampler like a whole training
        self._study.tell(trial, max(live.scores.values()) if state == "COMPLETE" else None, TrialState[state])

    def note(self, key: str, value: Any) -> None:
        """Keep something about the whole search in the study."""
        self._study.set_user_attr(noted_by(self._driver, key) if self.joined else key, value)

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
        if not self.joined:
            self._began = time.time() - self.about().get("seconds", 0.0)
            self.note(BEGUN, self._began)
        self._noted = self.clock()
        self.note("stopped", "")

    def flush(self) -> None:
        """Wait until everything that was told is on the disk. Raises BadInput when it can't be written."""
        self._held.flush()

    def close(self) -> None:
        """Wait until everything is on the disk, and let another process go on. Raises BadInput as ``flush`` does."""
        self._held.close()

    def _plans(self, recipe: Recipe) -> dict[str, Any]:
        """What a trial says of itself as it begins; of ``started``, which comes last, is seen that it has."""
        return {"driver": self._driver, "recipe": recipe.to_yaml(), "planned": recipe.epochs, "started": self.clock()}

    def _note_the_time(self) -> None:
        """Keep how long the study was worked on, which a search that is killed can't tell at its end."""
        if self.clock() >= self._noted + EVERY:
            self._noted = self.clock()
            self.note("seconds", self._noted - self._since)

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
