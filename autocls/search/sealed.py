"""The sealed test part: opened once, for the winner and the baseline."""

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import load_file
from torch import nn

from autocls.data import Prepared
from autocls.errors import BadInput
from autocls.recipe import Recipe
from autocls.search.record import Row
from autocls.search.study import Study
from autocls.training.artifact import WEIGHTS
from autocls.training.inference import Answers, examine
from autocls.training.network import build


def open_test(
    study: Study, prepared: Prepared, metric: str, models: Mapping[int, tuple[Row, Path]], *, again: bool = False
) -> Mapping[int, Answers]:
    """The answers on the test part of models, given by trial with the folder of their weights; the study keeps scores.

    The first is the winner's. Raises BadInput when the part was opened before, unless it may be opened ``again``, which
    is counted.
    """
    earlier = study.about().get("openings", [])
    if earlier and not again:
        raise BadInput(
            f"the sealed test part of this study was opened before, for trial {earlier[-1]['trial']}: "
            "--reopen-test opens it all the same, and the report will say so"
        )
    answers = {number: _answers(row, folder, prepared, metric) for number, (row, folder) in models.items()}
    winner = next(iter(models))
    opening = {
        "trial": winner,
        "images": prepared.images["test"],
        "winner": answers[winner].score,
        "baseline": answers[0].score if 0 in answers else earlier[-1]["baseline"] if earlier else None,
    }
    study.note("openings", [*earlier, opening])
    return answers


def _answers(row: Row, folder: Path, prepared: Prepared, metric: str) -> Answers:
    recipe = Recipe.from_yaml(row.recipe)
    data = prepared.at(recipe.image_size)
    return examine(recipe, trained(recipe, folder, prepared), data, data.split.test, metric)


def trained(recipe: Recipe, folder: Path, prepared: Prepared) -> nn.Module:
    """The recipe's network with the weights that lie in ``folder``."""
    model = build(recipe.without(["weights"]), len(prepared.classes), prepared.channels)
    model.load_state_dict(load_file(folder / WEIGHTS))
    return model
