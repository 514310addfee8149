"""The files that a trained classifier is exported into: how each is written, and how it is opened again."""

import copy
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from autocls.deploy.answering import Answering
from autocls.errors import BadInput, unknown
from autocls.extras import require

Pixels = npt.NDArray[np.uint8]
"""B×C×S×S, 0..255."""
Probabilities = npt.NDArray[np.float32]
"""B×K, 0..1."""
Answer = Callable[[Pixels], Probabilities]
"""A classifier, opened from whatever file."""

INPUT, OUTPUT = "pixels", "probabilities"
"""What an ONNX model's ends are called."""

_EXAMPLES = 2
"""A batch of one would be taken for a constant by what records a network's operations."""


class Format(ABC):
    """A kind of file."""

    name: ClassVar[str]

    needs: ClassVar[tuple[str, ...]] = ()
    """Modules of the extra ``export``."""

    def require(self) -> None:
        """Raises BadInput, saying what to install, when such files can't be written and opened here."""
        require(f"--to {self.name}", "export", self.needs)

    @abstractmethod
    def write(self, network: Answering, example: torch.Tensor, path: Path) -> None:
        """Write ``network``, for batches of any size, as found by running it on ``example``: uint8 B×C×S×S."""

    @abstractmethod
    def open(self, path: Path) -> Answer:
        """The classifier in a file that ``write`` wrote."""


class Onnx(Format):
    """For onnxruntime and whatever else reads ONNX; needs no torch to be used."""

    name = "onnx"
    needs = ("onnx", "onnxruntime", "onnxscript")

    def write(self, network: Answering, example: torch.Tensor, path: Path) -> None:
        program = torch.onnx.export(
            _without_draws(network),
            (example,),
            dynamo=True,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=({0: "batch"},),
            verbose=False,
        )
        assert program is not None
        program.save(path, external_data=False)

    def open(self, path: Path, threads: int = 0) -> Answer:
        """The classifier in an ONNX file, on a CPU; 0 ``threads`` are as many as it has cores."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return lambda pixels: session.run([OUTPUT], {INPUT: pixels})[0]


def _without_draws(network: Answering) -> Answering:
    """The same answers from operators that ONNX has: RReLU's slope is drawn in training alone, and then its mean."""
    if not any(isinstance(module, nn.RReLU) for module in network.modules()):
        return network
    network = copy.deepcopy(network)
    for path, module in list(network.named_modules()):
        if isinstance(module, nn.RReLU):
            network.set_submodule(path, nn.LeakyReLU((module.lower + module.upper) / 2))
    return network


class TorchExport(Format):
    """For ``torch.export.load``, torch's way: to compile ahead of time, or to go on to other devices."""

    name = "torch-export"

    def write(self, network: Answering, example: torch.Tensor, path: Path) -> None:
        program = torch.export.export(network, (example,), dynamic_shapes=({0: torch.export.Dim("batch")},))
        with path.open("wb") as file:
            torch.export.save(program, file)

    def open(self, path: Path) -> Answer:
        with path.open("rb") as file:
            return _of_torch(torch.export.load(file).module())


class Torchscript(Format):
    """For ``torch.jit.load``, in Python or C++; torch calls it deprecated."""

    name = "torchscript"

    def write(self, network: Answering, example: torch.Tensor, path: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            traced = torch.jit.trace(network, example, check_trace=False)  # it is checked with other batches
            with path.open("wb") as file:
                torch.jit.save(traced, file)

    def open(self, path: Path) -> Answer:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")
            return _of_torch(torch.jit.load(file, map_location="cpu"))


FORMATS: dict[str, Format] = {each.name: each for each in (Onnx(), TorchExport(), Torchscript())}


def format_named(name: str) -> Format:
    """Raises BadInput for a name that isn't one."""
    if name not in FORMATS:
        raise BadInput(f"--to {name}: {unknown('format', name, FORMATS)}")
    return FORMATS[name]


def example(channels: int, size: int) -> torch.Tensor:
    """Pixels of the shape that a network takes, to run it once."""
    return torch.randint(0, 256, (_EXAMPLES, channels, size, size), dtype=torch.uint8)


def _of_torch(module: nn.Module) -> Answer:
    @torch.inference_mode()
    def answer(pixels: Pixels) -> Probabilities:
        said: Probabilities = module(torch.from_numpy(pixels)).numpy()
        return said

    return answer


def original(network: Answering) -> Answer:
    """The classifier as autocls runs it, on the CPU."""
    return _of_torch(network)
