"""Networks in eight bits for CPUs, made from an ONNX file by onnxruntime, and what that costs and brings."""

import logging
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from autocls.deploy.export.checking import Check, compare
from autocls.deploy.export.formats import INPUT, Answer, Onnx, Pixels
from autocls.deploy.export.samples import Samples

LATENCIES = (1, 32)
"""The sizes of the batches that are timed."""
_REPEATS = 20
_CALIBRATION_BATCH = 32

_LINEAR = ("Gemm", "MatMul")
_COMPUTING = (*_LINEAR, "Conv")
_BETWEEN = ("Add", "Relu", "Clip", "MaxPool", "AveragePool", "GlobalAveragePool", "Concat", "Reshape", "Transpose")
"""Operators that can hand eight bits on, so that no conversion stands between two convolutions."""


class Quantisation(StrEnum):
    """How a network comes to eight bits."""

    DYNAMIC = "dynamic"
    """Weights of the linear layers; ranges of what goes into them are found anew for each batch. Convolutions stay in
    float32: onnxruntime's for such ranges are several times slower than they."""
    STATIC = "static"
    """Weights and activations; ranges are those that some images showed."""


@dataclass(frozen=True)
class Measured:
    """What a file is and does."""

    bytes: int
    accuracy: float | None
    """On the test part of a user's data, 0..1; None without data, and of multi-label images."""
    milliseconds: dict[int, float]
    """By the size of the batch: the median on one thread."""


@dataclass(frozen=True)
class Quantised:
    """What a network became by it. Measured on ``check``'s images or, where there are data, all of their test part."""

    kind: Quantisation
    images: int
    """The test part's, behind the accuracies."""
    before: Measured
    after: Measured
    check: Check


def quantise(kind: Quantisation, source: Path, target: Path, calibration: Pixels | None) -> None:
    """Write the ONNX file ``source`` in eight bits. Static quantisation takes ``calibration``, N×C×S×S.

    Weights have seven bits of the eight: on processors without VNNI, two products of eight bits overflow in sixteen.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_dynamic, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with TemporaryDirectory(dir=target.parent) as folder, _quiet():
        ready = Path(folder) / "ready.onnx"
        quant_pre_process(source, ready, skip_symbolic_shape=True)
        weights: dict[str, Any] = {"weight_type": QuantType.QInt8, "per_channel": True, "reduce_range": True}
        if kind is Quantisation.DYNAMIC:
            quantize_dynamic(ready, target, op_types_to_quantize=list(_LINEAR), **weights)
        else:
            assert calibration is not None
            quantize_static(
                ready,
                target,
                _Batches(calibration),
                quant_format=QuantFormat.QDQ,
                activation_type=QuantType.QUInt8,
                op_types_to_quantize=[*_COMPUTING, *_BETWEEN],
                nodes_to_exclude=_outside(ready),
                **weights,
            )


def measure(
    kind: Quantisation, before: Path, after: Path, original: Answer, images: Pixels, of: str, data: Samples | None
) -> Quantised:
    """Compare an ONNX file with what quantisation made of it, and both with the ``original``."""
    files = [(path, Onnx().open(path, threads=1)) for path in (before, after)]
    answers = [answer for _, answer in files]
    times = {size: _latencies(answers, np.resize(images, (size, *images.shape[1:]))) for size in LATENCIES}
    labels = None if data is None else data.labels
    measured = [
        Measured(
            path.stat().st_size,
            None if labels is None or data is None else _accuracy(answer, data.test, labels),
            {size: of_size[i] for size, of_size in times.items()},
        )
        for i, (path, answer) in enumerate(files)
    ]
    check = compare(original, files[1][1], images, of)
    return Quantised(kind, 0 if labels is None else len(labels), measured[0], measured[1], check)


def _latencies(answers: list[Answer], batch: Pixels) -> list[float]:
    """The median milliseconds that each takes for a batch; they take turns, so that a busy machine meets them all."""
    took: list[list[float]] = [[] for _ in answers]
    for answer in answers:
        answer(batch)
    for _ in range(_REPEATS):
        for answer, times in zip(answers, took, strict=True):
            began = time.perf_counter()
            answer(batch)
            times.append((time.perf_counter() - began) * 1000)
    return [statistics.median(times) for times in took]


def _accuracy(answer: Answer, images: Pixels, labels: npt.NDArray[np.int64]) -> float:
    step = max(LATENCIES)
    said = np.concatenate([answer(images[at : at + step]).argmax(axis=1) for at in range(0, len(images), step)])
    return float((said == labels).mean())


class _Batches:
    """Calibration images as onnxruntime reads them."""

    def __init__(self, images: Pixels) -> None:
        self._batches: Iterator[Pixels] = iter(
            images[at : at + _CALIBRATION_BATCH] for at in range(0, len(images), _CALIBRATION_BATCH)
        )

    def get_next(self) -> dict[str, Pixels] | None:
        batch = next(self._batches, None)
        return None if batch is None else {INPUT: batch}


def _outside(path: Path) -> list[str]:
    """The nodes before the first layer and after the last: normalisation and calibration, which stay exact."""
    import onnx

    nodes = onnx.load(path).graph.node
    layers = [i for i, node in enumerate(nodes) if node.op_type in _COMPUTING]
    inside = range(layers[0], layers[-1] + 1) if layers else range(0)
    return [node.name for i, node in enumerate(nodes) if i not in inside]


@contextmanager
def _quiet() -> Iterator[None]:
    """Without onnxruntime's advice, which goes to the root logger and is followed here."""
    root, was = logging.getLogger(), logging.getLogger().level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(was)
