"""Reading a run folder."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from autocls.errors import BadInput
from autocls.report.recipes import Recipes
from autocls.verdict.file import VERDICT, load, read_json, read_text
from autocls.verdict.ranking import leaderboard, winner
from autocls.verdict.verdict import Opening, Phase, Verdict

ANSWERS = ["name", "label", "winner", "confidence", "baseline", "baseline_confidence"]
LABEL_ANSWERS = ["name", "label", "there", "probability", "threshold", "baseline"]
ASSOCIATIONS = ["parameter", "ped_anova", "fanova"]


@dataclass(frozen=True)
class Run:
    """What a search left. ``trials`` has a row for each, of any phase; the rest may be missing, empty or None."""

    trials: pd.DataFrame
    summary: dict[str, Any]
    environment: dict[str, Any]
    best_recipe: str | None
    space: str | None
    cards: list[dict[str, Any]]
    """What there is to know of the winner's choices."""
    verdict: Verdict | None = None
    """What the search may claim; None when its winner was not run again."""
    answers: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=ANSWERS))
    """Of the sealed test part, a row an image: its ``name``, its class as an index, ``label``, which class the winner
    gave, ``winner``, with what probability (0..1), ``confidence``, and likewise ``baseline``, ``baseline_confidence``,
    -1 and NaN where the baseline was not asked."""
    label_answers: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=LABEL_ANSWERS))
    """The same where images have any number of labels, a row for each image and label, image by image: whether it is
    ``there``, the winner's ``probability`` and from which ``threshold`` on it counts, and the ``baseline``'s."""
    pictures: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    """uint8 N×H×W×C thumbnails, C 1 or 3: ``samples`` of the training part with their classes ``labels``, the same
    ``augmented`` as the winner's training saw them, and ``mistakes`` of the test part, with their ``rows`` in
    ``answers`` (of ``label_answers`` the number of the image), the most confident first."""
    associations: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=ASSOCIATIONS))
    """A row for each ``parameter``: what of the good scores went along with it, as shares ``ped_anova``, ``fanova``."""
    running: bool = False
    """Whether its search goes on, as far as its journal says; trials may have the state RUNNING then."""

    @cached_property
    def searched(self) -> pd.DataFrame:
        """The trials of the search itself, without those that screened, confirmed or attributed."""
        return self.trials[self.trials["phase"] == Phase.SEARCH] if "phase" in self.trials else self.trials

    @cached_property
    def winner(self) -> int | None:
        """The number of the trial that won: as the summary has it, or the first of the leaderboard."""
        number = self.summary.get("winner")
        return winner(self.searched) if number is None else int(number)

    @property
    def test(self) -> Opening | None:
        """The sealed test part as it was opened; only a verdict knows the baseline there, and how often."""
        if self.verdict and self.verdict.test:
            return self.verdict.test
        score = self.summary.get("test_score")
        return None if score is None else Opening(int(self.summary.get("test_images") or 0), float(score), None, 1)

    @cached_property
    def board(self) -> pd.DataFrame:
        """The trials of the search, best first."""
        return leaderboard(self.searched)

    @cached_property
    def recipes(self) -> Recipes:
        """The recipes in the order of ``board``."""
        return Recipes.of(self.board["recipe"])

    @cached_property
    def knobs(self) -> pd.DataFrame:
        """A column for each knob that took more than one value, a row for each trial that has a score; best first."""
        scored = self.board["score"].notna()
        table = pd.DataFrame(self.recipes.columns(), index=self.board.index)[scored]
        varied = [name for name in table if table[name].dropna().nunique() > 1]
        return self.board.loc[scored, ["number", "state", "score"]].join(table[varied].convert_dtypes())


def read(folder: Path) -> Run:
    """The run in ``folder``. Raises BadInput when there is none."""
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder; name an output folder of `autocls search`")
    table = folder / "trials.parquet"
    if not table.is_file():
        raise BadInput(f"{folder}: holds no search: there is no {table.name} in it")
    return Run(
        _trials(table),
        read_json(folder / "summary.json", dict),
        read_json(folder / "environment.json", dict),
        read_text(folder / "best_recipe.yaml"),
        read_text(folder / "space.yaml"),
        read_json(folder / "cards.json", list),
        load(folder / VERDICT) if (folder / VERDICT).is_file() else None,
        _table(folder / "test.parquet", ANSWERS),
        _table(folder / "test_labels.parquet", LABEL_ANSWERS),
        _pictures(folder / "pictures.npz"),
        pd.DataFrame(read_json(folder / "associations.json", list), columns=ASSOCIATIONS),
    )


def _table(path: Path, columns: list[str]) -> pd.DataFrame:
    return _trials(path) if path.is_file() else pd.DataFrame(columns=columns)


def _pictures(path: Path) -> dict[str, npt.NDArray[Any]]:
    if not path.is_file():
        return {}
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise BadInput(f"{path}: can't be read as pictures: {error}") from None


def _trials(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: can't be read as a table of trials: {error}") from None
