"""The model folder: a trained network with all it takes to use it, and nothing that runs code when it is opened.

``weights.safetensors``, ``recipe.yaml`` and ``model.json`` (labels, preprocessing, what it scored).
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, FiniteFloat, TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as in_bytes
from torch import nn

from autocls.data import ImageData
from autocls.data.split import Labels
from autocls.errors import BadInput, TrialFailed
from autocls.files import whole
from autocls.recipe import Recipe
from autocls.training.labelling import Labelling, Reading, labelling
from autocls.training.network import Weights, build

WEIGHTS, RECIPE, CARD = "weights.safetensors", "recipe.yaml", "model.json"


@dataclass(frozen=True)
class ModelCard:
    """What a trained network expects and what its outputs mean."""

    labels: Annotated[tuple[str, ...], Field(min_length=1)]
    channels: Literal[1, 3]
    image_size: Annotated[int, Field(ge=1)]
    mean: tuple[FiniteFloat, ...]
    std: tuple[Annotated[FiniteFloat, Field(gt=0)], ...]
    metric: str
    validation_score: float
    test_score: float | None = None
    numerics: str | None = None
    """What training computed with, as ``float32``; the weights are float32, whatever it was."""
    temperature: Annotated[FiniteFloat, Field(gt=0)] = 1.0
    """Divides the logarithms of the network's probabilities; fitted on the validation part."""
    fingerprint: str | None = None
    """Of the images that it was trained on, and the ``seed`` that split them: their test part is known again."""
    seed: int = 0
    shift: FiniteFloat = 0.0
    """Of a multi-label model, is added to its logits before the temperature divides them; fitted likewise."""
    thresholds: tuple[Annotated[FiniteFloat, Field(ge=0, le=1)], ...] | None = None
    """Of a model of images with any number of labels, the probability from which on each label is said; fitted on the
    validation part. None where each image is of one class."""

    @property
    def multilabel(self) -> bool:
        """Whether it gives an image any number of labels, instead of one class."""
        return self.thresholds is not None

    @property
    def labelling(self) -> Labelling:
        """What an image's labels are."""
        return labelling(multilabel=self.multilabel)

    def fitted(self, probabilities: npt.NDArray[np.floating], labels: Labels) -> "ModelCard":
        """This card with what N×K ``probabilities`` of the validation part and its labels say of reading answers."""
        return replace(self, **vars(self.labelling.fitted(probabilities, labels)))

    @property
    def reading(self) -> Reading:
        """How the network's answers are read."""
        return Reading(self.temperature, self.shift, self.thresholds)

    @classmethod
    def of(
        cls,
        data: ImageData,
        metric: str,
        validation_score: float,
        test_score: float | None = None,
        numerics: str | None = None,
    ) -> "ModelCard":
        """The card of a network trained on ``data``."""
        channels, size = data.images.shape[1:3]
        return cls(
            data.classes,
            channels,
            size,
            data.mean,
            data.std,
            metric,
            validation_score,
            test_score,
            numerics,
            thresholds=(0.5,) * len(data.classes) if data.multilabel else None,
        )


def packed(weights: Weights) -> bytes:
    """Weights as a safetensors file has them."""
    return in_bytes({name: tensor.contiguous() for name, tensor in weights.items()})


def save_weights(weights: Weights, folder: Path) -> None:
    """Write the weights alone into a folder that is there."""
    with whole(folder / WEIGHTS) as partial:
        partial.write_bytes(packed(weights))


def save(folder: Path, recipe: Recipe, weights: Weights, card: ModelCard) -> None:
    """Write the model folder, making it if it is not there; whole or not at all, for without its card it is none."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CARD).unlink(missing_ok=True)
    save_weights(weights, folder)
    with whole(folder / RECIPE) as partial:
        partial.write_text(recipe.to_yaml(), encoding="utf-8")
    with whole(folder / CARD) as partial:
        partial.write_text(json.dumps(asdict(card), indent=2, ensure_ascii=False), encoding="utf-8")


def free(folder: str | Path) -> Path:
    """The folder, for a model to be written to. Raises BadInput when it holds one."""
    if (Path(folder) / CARD).exists():
        raise BadInput(f"--out {folder}: holds a model already; choose another folder, or delete this one")
    return Path(folder)


def load(folder: Path) -> tuple[nn.Module, Recipe, ModelCard]:
    """The network of a model folder in evaluation mode, its recipe and its card. Raises BadInput."""
    missing = [name for name in (WEIGHTS, RECIPE, CARD) if not (folder / name).is_file()]
    if missing:
        raise BadInput(f"{folder}: not a model folder: it has no {', '.join(missing)}")
    recipe = Recipe.load(folder / RECIPE)
    try:
        card = TypeAdapter(ModelCard).validate_json((folder / CARD).read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise BadInput(f"{folder / CARD}: not a model's card: {place}: {first['msg']}") from None
    if not (len(card.mean) == len(card.std) == card.channels and card.image_size == recipe.image_size):
        raise BadInput(
            f"{folder / CARD}: contradicts itself or the recipe beside it: {card.channels} channels with "
            f"{len(card.mean)} means and {len(card.std)} deviations, "
            f"image_size {card.image_size} here and {recipe.image_size} there"
        )
    if card.thresholds is not None and len(card.thresholds) != len(card.labels):
        raise BadInput(f"{folder / CARD}: {len(card.labels)} labels have {len(card.thresholds)} thresholds")
    try:
        model = build(recipe.without(["weights"]), len(card.labels), card.channels)
    except TrialFailed as error:
        raise BadInput(f"{folder / RECIPE}: builds no network: {error}") from None
    try:
        model.load_state_dict(load_file(folder / WEIGHTS))
    except (RuntimeError, SafetensorError) as error:
        raise BadInput(f"{folder / WEIGHTS}: does not fit the recipe beside it: {error}") from None
    return model.eval(), recipe, card
