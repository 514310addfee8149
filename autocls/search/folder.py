"""The run folder: what a search leaves behind, written from the study."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from autocls.errors import BadInput
from autocls.files import whole
from autocls.report.run import Run, read
from autocls.search.evidence import verdict
from autocls.search.record import JOURNAL, KILLED, Record, Row
from autocls.search.request import REQUEST
from autocls.space import Space
from autocls.verdict.file import VERDICT, read_json, read_text, save
from autocls.verdict.verdict import Verdict

MODEL = "model"
RECIPE = "best_recipe.yaml"
TEACHERS = "teachers"
"""Model folders of trials that others learned from; the recipes name them, so they stay."""


def default(data: str, space: str | Path) -> Path:
    """The output folder of a search that was given none."""
    if data.startswith("torchvision:"):
        name = data.partition(":")[2].lower()
    else:
        path = Path(data).resolve()
        name = path.name if path.is_dir() else path.stem
    return Path("reports") / f"{name}-{Path(space).stem}"


def must_be_free(folder: Path) -> None:
    """Raises BadInput when the output folder holds a study already, or what is left of one."""
    if any((folder / name).exists() for name in (JOURNAL, REQUEST, "trials.parquet", TEACHERS)):
        raise BadInput(f"--out {folder}: holds another study; choose another folder, or delete this one")


def make(folder: Path) -> None:
    """Make the output folder. Raises BadInput when it can't be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--out {folder}: can't be made: {error.strerror}") from None


def write_beginning(folder: Path, space: Space, environment: dict[str, Any]) -> None:
    """Write what is known before the first trial: ``space.yaml`` and ``environment.json``."""
    _write_text(folder / "space.yaml", space.to_yaml())
    _write_text(folder / "environment.json", json.dumps(environment, indent=2, ensure_ascii=False))


def frame(rows: list[Row]) -> pd.DataFrame:
    """The trials as a table, one row each; the columns are Row's fields."""
    table = pd.DataFrame([asdict(row) for row in rows], columns=list(Row.__dataclass_fields__))
    return table.astype(
        {"number": "int64", "score": "float64", "epochs": "int64", "planned": "int64", "tries": "int64",
         "seconds": "float64", "parameters": "Int64", "multiply_adds": "Int64", "latency": "float64",
         "latency_64": "float64", "started": "float64", "begun": "float64", "finished": "float64"}
    )  # fmt: skip


@dataclass(frozen=True)
class Contents:
    """What a study's journal says of it, as the files of a run folder have it."""

    trials: pd.DataFrame
    summary: dict[str, Any]
    verdict: Verdict | None
    recipe: str | None
    """The winner's."""


def contents(study: Record) -> Contents:
    """What there is to write of a study that has ended, or was killed."""
    rows, about, found = study.rows(), study.about(), verdict(study)
    opened = found.test if found is not None else None
    summary = {
        **{key: about.get(key) for key in _KEPT},
        "test_score": opened.winner if opened else None,
        "test_images": opened.images if opened else None,
        "seconds": about.get("seconds", max((r.finished for r in rows), default=0.0)),
        "stopped": about.get("stopped") or KILLED,
        "winner": found.winner if found is not None else None,
        "baseline": 0 if rows else None,
    }
    recipe = next((r.recipe for r in rows if found is not None and r.number == found.winner), None)
    return Contents(frame(rows), summary, found, recipe)


def write(folder: Path, study: Record) -> dict[str, Any]:
    """Write ``trials.parquet``, ``summary.json``, ``best_recipe.yaml`` and ``verdict.json``; returns the summary."""
    found = contents(study)
    with whole(folder / "trials.parquet") as partial:
        found.trials.to_parquet(partial, index=False)
    _write_text(folder / "summary.json", json.dumps(found.summary, indent=2, ensure_ascii=False))
    if found.verdict is not None and found.recipe is not None:
        _write_text(folder / RECIPE, found.recipe)
        save(found.verdict, folder / VERDICT)
    return found.summary


def read_running(folder: Path) -> Run:
    """The run that a folder's journal holds so far; writes nothing, so a search may be going on in it.

    Trials that have not ended have the state RUNNING. Raises BadInput when there is no journal, or no study in it yet.
    """
    study = Record.open(folder)
    found, about = contents(study), study.about()
    running = not about.get("stopped")
    trials, summary, judged = found.trials, found.summary, found.verdict
    if running:
        going = trials["number"].isin(study.running())
        trials = trials.assign(state=trials["state"].mask(going, "RUNNING"), reason=trials["reason"].mask(going, ""))
        since = (folder / JOURNAL).stat().st_mtime - about.get("began", math.inf)
        summary = {**summary, "stopped": "", "seconds": max(0.0, summary["seconds"], since)}
        judged = judged if judged and judged.confirmed.n else None
    return Run(
        trials, summary, read_json(folder / "environment.json", dict), found.recipe, read_text(folder / "space.yaml"),
        cards=[], verdict=judged, running=running,
    )  # fmt: skip


def load(folder: Path) -> Run:
    """The run in a folder: of its files, or of its journal while there are none. Writes nothing. Raises BadInput."""
    if not (folder / "trials.parquet").is_file() and (folder / JOURNAL).is_file():
        return read_running(folder)
    return read(folder)


def write_cards(folder: Path, cards: Sequence[Mapping[str, Any]]) -> None:
    """Write ``cards.json``: what there is to know of the winner's choices."""
    _write_text(folder / "cards.json", json.dumps(cards, indent=2, ensure_ascii=False))


def _write_text(path: Path, text: str) -> None:
    with whole(path) as partial:
        partial.write_text(text, encoding="utf-8")


def refresh(folder: Path) -> None:
    """Write a run folder's files again from its journal; a search kept in another storage stays as it was written.

    Raises BadInput when the folder holds no search.
    """
    if (folder / JOURNAL).is_file():
        write(folder, Record.open(folder))
    elif not (folder / "trials.parquet").is_file():
        raise BadInput(f"{folder}: holds no search: there is no {JOURNAL} and no trials.parquet in it")


_KEPT = (
    "data", "source", "space", "metric", "seed", "classes", "multilabel", "channels", "counts", "images",
    "notes", "sampler", "pruner", "limits", "device",
)  # fmt: skip
