"""What a study holds of its trials, as whoever reads it sees it."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from autocls.errors import BadInput
from autocls.search.journal import WithoutAnswers
from autocls.verdict.verdict import Phase

JOURNAL = "journal.log"
KILLED = "the search was killed"
INTERRUPTED = "interrupted"
"""Why a search ended that may go on."""


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
    multiply_adds: int | None
    """To answer for one image."""
    latency: float
    """For one image, on one of the trial's devices; NaN where nothing was measured, likewise ``latency_64``."""
    latency_64: float
    """For 64 images at once."""
    started: float
    """When it was asked for."""
    begun: float
    """When a worker took it; NaN when none did."""
    finished: float
    worker: str
    """Which took it, as ``host:pid``; empty when none did."""
    reason: str
    """Why a trial failed, or ended before the pruner or its last epoch ended it; else empty."""
    traceback: str
    """Of an error that nobody expected; else empty."""
    left_out: tuple[str, ...]
    """Why choices that were asked for have no place in this recipe, which has their slots' neutral ones instead."""
    curve: tuple[float, ...]
    numerics: str
    """What the network computed with; empty before its first epoch, and for simulated trials."""
    recipe: str
    """YAML."""
    tries: int
    """That its workers or their machines ended, before the one that this row is of."""
    phase: str
    """What it was run for: screen, search, confirm or attribute."""
    seed: int
    role: str
    """Which of its phase's runs it is: of a candidate (its trial's number), an arm, or a pair; empty in the search."""


class Record:
    """What a study holds, to be read."""

    def __init__(self, study: optuna.Study) -> None:
        self._study = study

    @classmethod
    def open(cls, folder: Path, *, answers: bool = False) -> "Record":
        """The study that a run folder's journal holds, to be read, with the sampler's answers or without.

        Without them it is read in a fraction of the time, and recipes say the same. Raises BadInput.
        """
        if not (folder / JOURNAL).is_file():
            raise BadInput(f"{folder}: holds no study: there is no {JOURNAL} in it")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        store = JournalStorage((JournalFileBackend if answers else WithoutAnswers)(str(folder / JOURNAL)))
        names = optuna.get_all_study_names(store)
        if not names:
            raise BadInput(f"{folder}: its {JOURNAL} holds no study: the search was killed before it began")
        return cls(optuna.load_study(study_name=names[0], storage=store))

    def about(self) -> dict[str, Any]:
        """What is kept about the whole search."""
        return self._study.user_attrs

    def rows(self) -> list[Row]:
        """Every trial that was started, duplicates left out; one still running when its driver died is PRUNED."""
        trials, about = self._study.get_trials(deepcopy=False), self.about()
        seed, left = about.get("seed", 0), about.get("stopped") or KILLED
        return [_row(trial, seed, left) for trial in trials if "started" in trial.user_attrs]

    def running(self) -> set[int]:
        """The numbers of the trials that have not ended."""
        return {trial.number for trial in self.trials() if trial.state == TrialState.RUNNING}

    def trials(self) -> list[FrozenTrial]:
        """Optuna's own record of each trial."""
        return self._study.get_trials(deepcopy=False)


def _row(trial: FrozenTrial, seed: int, left: str) -> Row:
    kept, scores = trial.user_attrs, [v for _, v in sorted(trial.intermediate_values.items())]
    running = trial.state == TrialState.RUNNING
    phase = kept.get("phase", Phase.SEARCH.value)
    screened = phase == Phase.SCREEN and len(scores) == kept["planned"] and trial.state == TrialState.PRUNED
    return Row(
        number=trial.number,
        state="COMPLETE" if screened else "PRUNED" if running else trial.state.name,
        score=max(scores, default=math.nan),
        epochs=len(scores),
        planned=kept["planned"],
        seconds=kept.get("seconds", 0.0),
        parameters=kept.get("parameters"),
        multiply_adds=kept.get("multiply_adds"),
        latency=kept.get("latency", math.nan),
        latency_64=kept.get("latency_64", math.nan),
        started=kept["started"],
        begun=kept.get("begun", math.nan),
        finished=kept.get("finished", kept["started"]),
        worker=kept.get("worker", ""),
        reason=left if running else kept.get("reason", ""),
        traceback=kept.get("traceback", ""),
        left_out=tuple(kept.get("left_out", {}).values()),
        curve=tuple(scores),
        numerics=kept.get("numerics", ""),
        recipe=kept["recipe"],
        tries=kept.get("tries", 0),
        phase=phase,
        seed=kept.get("seed", seed),
        role=kept.get("role", ""),
    )
