"""Images on their way to the device: from memory, or read ahead by other processes where they are more than fits it."""

import multiprocessing
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.context import BaseContext
from pathlib import Path

import numpy as np
import psutil
import torch
from torch.utils.data import DataLoader, Dataset


class Feed(ABC):
    """Where batches of images come from."""

    @abstractmethod
    def batches(self, order: Sequence[torch.Tensor]) -> Iterator[torch.Tensor]:
        """For each of the index tensors its images, B×C×H×W bytes on the device. One such pass at a time."""


class Resident(Feed):
    """Images that are on the device; on the CPU they stay the memory map that all workers of a node share."""

    def __init__(self, images: torch.Tensor) -> None:
        self._images = images

    def batches(self, order: Sequence[torch.Tensor]) -> Iterator[torch.Tensor]:
        # index_select copies whole images; indexing in brackets goes byte by byte, and takes 15 times as long
        return (self._images.index_select(0, index) for index in order)


class Streamed(Feed):
    """Images of a memory map, read ahead by other processes."""

    def __init__(self, images: np.memmap, device: torch.device, readers: int) -> None:
        self._device = device
        self._order: list[torch.Tensor] = []
        self._loader = DataLoader(
            _Rows(Path(str(images.filename)), images.offset, images.shape),
            sampler=self._order,  # what it holds when a pass begins
            batch_size=None,  # each index is a whole batch
            num_workers=readers,
            persistent_workers=True,
            multiprocessing_context=_processes(),
            pin_memory=device.type == "cuda",
            generator=torch.Generator(),  # a loader draws a seed: not from the generator that dropout draws from
        )

    def batches(self, order: Sequence[torch.Tensor]) -> Iterator[torch.Tensor]:
        self._order[:] = [index.cpu() for index in order]
        coming = None
        for images in self._loader:
            # given out one late, so that its copy to the device goes on while the one before is computed with
            coming, ready = images.to(self._device, non_blocking=True), coming
            if ready is not None:
                yield ready
        if coming is not None:
            yield coming


def _processes() -> BaseContext:
    """How reading processes start: not as a fork of this one, whose threads (torch's, Ray's) may hold locks.

    They are forked from a server that has imported this module, which takes seconds, once for all.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


@dataclass(frozen=True)
class _Rows(Dataset[torch.Tensor]):
    """The images in a file, which a reading process opens by itself: a memory map would be pickled image by image."""

    file: Path
    offset: int
    shape: tuple[int, ...]

    def __getitem__(self, index: torch.Tensor) -> torch.Tensor:
        images = np.memmap(self.file, np.uint8, "r", self.offset, self.shape)
        return torch.from_numpy(np.asarray(images[index.numpy()]))


def feed(images: np.ndarray, device: torch.device) -> Feed:
    """The feed of N×C×H×W bytes: from the device's memory where they have room; else, of a memory map, streamed."""
    if isinstance(images, np.memmap) and images.nbytes > room(device):
        return Streamed(images, device, readers=max(1, torch.get_num_threads() // 2))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*not writable.*")  # nothing here writes to it
        return Resident(torch.from_numpy(images).to(device))


def room(device: torch.device) -> int:
    """The bytes that images may take: half of what is free on the device, which training needs as well."""
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available
    return int(free) // 2
