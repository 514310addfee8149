"""The devices that train one recipe together: the processes of torch.distributed's default group, one for a device.

Each calls the same functions here in the same order, with what is its own. Without a group there is one device, and
all of this gives back what it was given.
"""

import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from autocls.tricks.norm import SyncedBatchNorm

T = TypeVar("T")

PATIENCE = timedelta(minutes=10)
"""How long a device waits for the others before it raises an error: they differ by far less, unless one hangs."""


class PeerLost(Exception):
    """A device of the trial is gone, which says nothing of the trial's recipe."""


def join(rank: int, size: int, address: str) -> None:
    """Make this process the device ``rank`` (from 0) of ``size``, which meet at ``address``, as ``tcp://host:port``.

    Returns when all are there. Raises RuntimeError when they aren't in time.
    """
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    dist.init_process_group(backend, init_method=address, rank=rank, world_size=size, timeout=PATIENCE)


def leave() -> None:
    """Leave the group, if there is one; devices that wait for this one get an error."""
    if _grouped():
        dist.destroy_process_group()


@contextmanager
def joined(rank: int, size: int, address: str) -> Iterator[None]:
    """``join``, and ``leave`` in the end."""
    join(rank, size, address)
    try:
        yield
    finally:
        leave()


def _grouped() -> bool:
    return dist.is_available() and dist.is_initialized()


def rank() -> int:
    """Which of the devices this process is, from 0."""
    return dist.get_rank() if _grouped() else 0


def size() -> int:
    """How many devices there are."""
    return dist.get_world_size() if _grouped() else 1


@dataclass(frozen=True)
class Share:
    """What one device takes of some rows."""

    rows: slice
    weight: float
    """The factor of a mean over these rows with which the mean over all devices is that over all rows."""


def share(count: int) -> Share:
    """This device's share of ``count`` rows, even up to one row.

    Each takes the whole of what gives a device less than two rows: BatchNorm can't take one.
    """
    if count < 2 * size():
        return Share(slice(0, count), 1.0)
    start, stop = (count * k // size() for k in (rank(), rank() + 1))
    return Share(slice(start, stop), (stop - start) * size() / count)


def gather(mine: torch.Tensor, count: int) -> torch.Tensor:
    """The ``count`` rows of which ``mine`` are this device's share, of all the devices."""
    if len(mine) == count:
        return mine
    rows = mine.new_zeros(count, *mine.shape[1:])
    rows[share(count).rows] = mine
    dist.all_reduce(rows)
    return rows


def mean(mine: torch.Tensor) -> torch.Tensor:
    """The mean of the devices' tensors, which are left as they are."""
    if size() == 1:
        return mine
    total = mine.clone()
    dist.all_reduce(total)
    return total / size()


def agree(mine: T) -> T:
    """The first device's value, which must be picklable."""
    if size() == 1:
        return mine
    values = [mine]
    dist.broadcast_object_list(values, src=0)
    return values[0]


def level(tensors: Iterable[torch.Tensor]) -> None:
    """Give all devices the first one's ``tensors``, in place."""
    if size() > 1:
        for tensor in tensors:
            dist.broadcast(tensor, src=0)


def seed(seed: int, epoch: int) -> None:
    """Let each device but the first draw its own numbers in ``epoch``: their dropout masks would be the same.

    They depend on nothing that came before, so that a state of the first device's is enough to go on from.
    """
    if rank():
        torch.manual_seed(random.Random(f"{seed} {epoch} {rank()}").getrandbits(63))


def shared(model: nn.Module, sample: torch.Tensor) -> nn.Module:
    """What trains ``model``, which takes ``sample``, with the mean of all the devices' gradients.

    Each of its backward passes waits for all devices. In a team the model is left in evaluation mode.
    """
    if size() == 1:
        return model
    for path, layer in list(model.named_modules()):
        if isinstance(layer, SyncedBatchNorm):
            model.set_submodule(path, layer.joined())
    model.eval()  # in which trying it out changes nothing
    trained = DistributedDataParallel(model, find_unused_parameters=_without_gradient(model, sample))
    # After a first pass torch bundles gradients anew, and sums them in another order; from then on a step is a step.
    _without_gradient(trained, sample)
    return trained


def _without_gradient(model: nn.Module, sample: torch.Tensor) -> bool:
    """Whether a backward pass reaches fewer parameters than are trained."""
    torch.autograd.backward(model(sample).sum())
    found = any(p.requires_grad and p.grad is None for p in model.parameters())
    model.zero_grad(set_to_none=True)
    return found
