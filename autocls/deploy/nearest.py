"""The rows of a matrix that are most similar to a vector: searched exactly, a block of float16 at a time."""

from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt
import torch

Floats = npt.NDArray[np.float32]
Halves = npt.NDArray[np.float16]
Found = tuple[Floats, npt.NDArray[np.int64]]
"""Q×k inner products, the largest first, and the rows that gave them; equals come in any order."""
Search = Callable[[Floats, int], Found]
"""Finds, for each of Q×D vectors, the k rows with the largest inner products; k is at most the number of rows."""

BLOCK = 8192
"""Rows that are turned into float32 at once."""
EXACT = 100_000
"""With more rows than these faiss searches, where it is installed."""


def search(rows: Halves) -> Search:
    """How to search N×D rows."""
    return by_faiss(rows) if len(rows) > EXACT and find_spec("faiss") else by_blocks(rows)


def blocks(rows: Floats | Halves) -> Iterator[tuple[int, torch.Tensor]]:
    """The rows as float32, a block at a time, each with the number of its first row."""
    for start in range(0, len(rows), BLOCK):
        yield start, torch.tensor(rows[start : start + BLOCK]).float()


def by_blocks(rows: Halves) -> Search:
    """Reads all the rows at each search, and holds no more than a block of them."""
    return partial(_by_blocks, rows)


def by_faiss(rows: Halves) -> Search:
    """Reads the rows once into faiss' exact index of float16, which answers on all cores."""
    import faiss

    index = faiss.IndexScalarQuantizer(rows.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    for _, block in blocks(rows):
        index.add(block.numpy())
    return lambda queries, top: index.search(np.ascontiguousarray(queries), top)


@torch.inference_mode()
def products(rows: Halves, queries: Floats) -> Floats:
    """Q×N inner products, all of them held."""
    asked = torch.tensor(queries)
    found: Floats = torch.cat([asked @ block.T for _, block in blocks(rows)], dim=1).numpy()
    return found


@torch.inference_mode()
def _by_blocks(rows: Halves, queries: Floats, top: int) -> Found:
    asked = torch.tensor(queries)
    best = torch.empty((len(asked), 0))
    where = torch.empty((len(asked), 0), dtype=torch.int64)
    for start, block in blocks(rows):
        here = asked @ block.T
        values, columns = here.topk(min(top, here.shape[1]), dim=1)
        best, places = torch.cat([best, values], dim=1).topk(min(top, best.shape[1] + values.shape[1]), dim=1)
        where = torch.cat([where, columns + start], dim=1).gather(1, places)
    return best.numpy(), where.numpy()
