"""The description beside an exported file: all that somebody without autocls needs to use it."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from autocls.deploy.export.checking import TOLERANCE, Check
from autocls.deploy.export.formats import INPUT, OUTPUT
from autocls.deploy.export.quantisation import Quantised
from autocls.training.artifact import ModelCard

_STEPS = (
    "Decode the file; of an animation take the first frame.",
    "Turn it upright as its EXIF orientation says (Pillow: ImageOps.exif_transpose).",
    "Bring 16 bits to 8 by dividing by 256.",
    "Lay transparent images on white.",
    "Convert to {mode} (Pillow: image.convert({pillow!r})).",
    "Scale, bilinear with antialiasing, to cover {size}×{size} pixels and keep the middle "
    "(Pillow: ImageOps.fit(image, ({size}, {size}), Image.Resampling.BILINEAR)).",
    "Arrange as channel, row, column; keep 0..255 as uint8: normalisation is inside.",
)


def describe(
    name: str, format: str, card: ModelCard, check: Check, quantised: Quantised | None
) -> Mapping[str, object]:
    """What the sidecar of the file ``name`` says, fit for JSON."""
    size, grey = card.image_size, card.channels == 1
    named = {"mode": "grey (ITU-R 601-2 luma)" if grey else "RGB", "pillow": "L" if grey else "RGB", "size": size}
    return {
        "file": name,
        "format": format,
        "autocls": version("autocls"),
        "labels": list(card.labels),
        "thresholds": None if card.thresholds is None else list(card.thresholds),
        "image_size": size,
        "channels": card.channels,
        "input": {"name": INPUT, "type": "uint8", "shape": ["batch", card.channels, size, size]},
        "output": {
            "name": OUTPUT,
            "type": "float32",
            "shape": ["batch", len(card.labels)],
            "meaning": "calibrated probabilities, 0..1, in the order of labels",
        },
        "preprocessing": [step.format(**named) for step in _STEPS],
        "check": _checked(check) | {"allowed": TOLERANCE},
        "quantization": None if quantised is None else _measured(quantised),
    }


def _checked(check: Check) -> dict[str, Any]:
    return {
        "images": check.images,
        "of": check.of,
        "batches": list(check.batches),
        "max_difference": check.difference,
        "same_label": check.same,
    }


def _measured(quantised: Quantised) -> dict[str, Any]:
    return {
        "kind": quantised.kind,
        "test_images": quantised.images,
        "before": asdict(quantised.before),
        "after": asdict(quantised.after),
        "check": _checked(quantised.check),
    }


def as_json(description: Mapping[str, object]) -> str:
    """As it stands in the file."""
    return json.dumps(description, indent=2, ensure_ascii=False) + "\n"
