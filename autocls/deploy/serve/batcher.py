"""Pictures that come one by one, from many who ask at once, answered a batch at a time."""

import asyncio
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Row = npt.NDArray[np.float32]

WAIT = 0.003
"""Seconds that the first picture of a batch waits for company; what a small network takes for one."""


class Batcher:
    """Gathers pictures while the network is busy, and for a moment when it isn't; ``run`` it as a task."""

    def __init__(self, answer: Callable[[Pixels], Row], batch_size: int) -> None:
        """``answer`` gives B×K of B×C×S×S, in a thread, never two at once."""
        self._answer = answer
        self._size = batch_size
        self._waiting: asyncio.Queue[tuple[Pixels, asyncio.Future[Row]]] = asyncio.Queue()

    async def ask(self, pixels: Pixels) -> Row:
        """The K numbers that the network gives for C×S×S ``pixels``."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((pixels, future))
        row: Row = await future
        return row

    async def run(self) -> None:
        """Answer until cancelled."""
        while True:
            batch = await self._gathered()
            try:
                rows = await asyncio.to_thread(self._answer, np.stack([pixels for pixels, _ in batch]))
            except Exception as error:  # it is whoever asked that should hear of it, and the next batch may do better
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), row in zip(batch, rows, strict=True):
                if not future.done():  # who asked may have gone
                    future.set_result(row)

    async def _gathered(self) -> list[tuple[Pixels, asyncio.Future[Row]]]:
        batch = [await self._waiting.get()]
        try:
            async with asyncio.timeout(WAIT):
                while len(batch) < self._size:
                    batch.append(await self._waiting.get())
        except TimeoutError:
            pass
        return batch
