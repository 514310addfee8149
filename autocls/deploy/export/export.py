"""From a model folder to one file that works elsewhere, checked, with its description beside it."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from autocls.deploy.answering import Answering
from autocls.deploy.export.checking import Check, compare
from autocls.deploy.export.formats import Format, Onnx, example, format_named, original
from autocls.deploy.export.quantisation import Quantisation, Quantised, measure, quantise
from autocls.deploy.export.samples import Samples, generated
from autocls.deploy.export.sidecar import as_json, describe
from autocls.errors import BadInput
from autocls.files import make_room, whole
from autocls.training.artifact import CARD, RECIPE, WEIGHTS, load

SIDECAR = ".json"
"""What the description's name has more than the file's."""


@dataclass(frozen=True)
class Exported:
    """What was written, and what it was found to be."""

    path: Path
    sidecar: Path
    check: Check
    quantised: Quantised | None


def export(
    folder: str | Path,
    to: str,
    out: str | Path,
    *,
    quantize: str | None = None,
    data: str | Path | None = None,
) -> Exported:
    """Write the classifier of a model folder as ``out``, in a format, and its description as ``out``.json.

    It is checked against the original on images of ``data`` (what ``prepare`` takes), or on generated ones, before
    anything lies at ``out``. Raises Unfaithful when it gives other probabilities, and BadInput.
    """
    path, format = Path(out), format_named(to)
    kind = _quantisation(quantize, format, data)
    format.require()
    sidecar = path.with_name(path.name + SIDECAR)
    parts = {(Path(folder) / name).resolve() for name in (WEIGHTS, RECIPE, CARD)}
    for target in (path, sidecar):
        make_room(target)
        if target.resolve() in parts:
            raise BadInput(f"--out {path}: {target} is a part of the model itself; give another name")
    model, recipe, card = load(Path(folder))
    network = Answering(model, recipe, card)
    samples = None if data is None else Samples.of(card, data)
    if samples is None:
        images, of = generated(card.channels, card.image_size), "generated images"
    else:
        images, of = samples.checked(), f"images of {samples.name}"
    with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as place:
        written = Path(place) / "whole"
        try:
            format.write(network, example(card.channels, card.image_size), written)
        except Exception as error:  # whatever an exporter stumbles on in a network's code
            raise BadInput(
                f"{folder}: {recipe.architecture.choice} can't be written as {to}: {_first(error)}"
            ) from error
        check = compare(original(network), format.open(written), images, of)
        check.hold()
        quantised = None
        if kind is not None:
            small = Path(place) / "quantised"
            quantise(kind, written, small, None if samples is None else samples.calibration)
            quantised = measure(kind, written, small, original(network), images, of, samples)
            written = small
        with whole(path) as partial:
            shutil.copyfile(written, partial)
        with whole(sidecar) as partial:
            partial.write_text(as_json(describe(path.name, to, card, check, quantised)), encoding="utf-8")
    return Exported(path, sidecar, check, quantised)


def _quantisation(name: str | None, format: Format, data: str | Path | None) -> Quantisation | None:
    if name is None:
        return None
    if name not in list(Quantisation):
        raise BadInput(f"--quantize {name}: allowed are {' and '.join(Quantisation)}")
    kind = Quantisation(name)
    if not isinstance(format, Onnx):
        raise BadInput(f"--quantize {kind}: goes with --to {Onnx.name}, not with {format.name}")
    if kind is Quantisation.STATIC and data is None:
        raise BadInput(f"--quantize {kind}: needs --data: the ranges of activations are those that images show")
    return kind


def _first(error: BaseException) -> str:
    """The first line of what an error's first cause says."""
    while error.__cause__ is not None:
        error = error.__cause__
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
