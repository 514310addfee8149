"""Pictures of many who ask at once are answered a batch at a time."""

import asyncio

import numpy as np
import pytest

from autocls.deploy.serve.batcher import Batcher, Pixels, Row


class Network:
    """Says of each picture the number in its first pixel, and keeps the sizes of its batches."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, pixels: Pixels) -> Row:
        self.batches.append(len(pixels))
        if (pixels == 255).any():
            raise RuntimeError("out of memory")
        return pixels[:, 0, 0, :1].astype(np.float32)


def picture(number: int) -> Pixels:
    return np.full((1, 2, 2), number, np.uint8)


async def asked(network: Network, numbers: list[int], batch_size: int = 8) -> list[float | BaseException]:
    batcher = Batcher(network, batch_size)
    task = asyncio.create_task(batcher.run())
    said = await asyncio.gather(*(batcher.ask(picture(n)) for n in numbers), return_exceptions=True)
    task.cancel()
    return [row if isinstance(row, BaseException) else float(row[0]) for row in said]


def test_everyone_gets_their_own_answer_from_few_full_batches():
    network = Network()
    assert asyncio.run(asked(network, list(range(50)))) == list(range(50))
    assert network.batches == [8] * 6 + [2]


def test_one_alone_is_answered_without_waiting_for_a_full_batch():
    network = Network()
    assert asyncio.run(asyncio.wait_for(asked(network, [7]), 5)) == [7]
    assert network.batches == [1]


def test_what_goes_wrong_is_told_to_those_in_the_batch_and_the_next_one_is_answered():
    said = asyncio.run(asked(Network(), [1, 255, 2, 3], batch_size=2))
    assert [str(s) for s in said] == ["out of memory", "out of memory", "2.0", "3.0"]


def test_who_leaves_while_the_network_answers_takes_nothing_from_the_others():
    async def leaving() -> float:
        batcher = Batcher(Network(), 8)
        task = asyncio.create_task(batcher.run())
        gone, stays = (asyncio.create_task(batcher.ask(picture(n))) for n in (1, 2))
        await asyncio.sleep(0)
        gone.cancel()
        row = await stays
        task.cancel()
        return float(row[0])

    assert asyncio.run(leaving()) == 2


@pytest.mark.parametrize("size", [1, 3])
def test_no_batch_is_larger_than_asked(size: int):
    network = Network()
    asyncio.run(asked(network, list(range(7)), batch_size=size))
    assert max(network.batches) == size
