"""What a trial takes of a cluster's nodes, and how many trials find room there."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from autocls.errors import BadInput


@dataclass(frozen=True)
class Resources:
    """What one trial takes, and how trials are placed."""

    cpus: float = 1
    """For each of a trial's devices."""
    gpus: float | None = None
    """A fraction of one, or one or several whole ones, each a device; None is one if the cluster has any."""
    at_once: int | None = None
    """Trials at the same time, at the most."""
    stall: float = 600.0
    """Seconds without a report after which a trial is taken for hung."""

    @property
    def devices(self) -> int:
        """That a trial computes on."""
        return max(1, int(self.gpus or 0))

    @property
    def bundle(self) -> dict[str, float]:
        """What each of a trial's devices takes, in Ray's words."""
        takes = {"CPU": self.cpus, "GPU": min(1.0, self.gpus or 0.0)}
        return {name: amount for name, amount in takes.items() if amount}


def fit(wanted: Resources, nodes: Sequence[Mapping[str, float]]) -> tuple[Resources, int]:
    """The resources of a trial on nodes that offer so much, and how many trials run at once.

    Raises BadInput when not even one finds room.
    """
    gpus = wanted.gpus if wanted.gpus is not None else float(any(n.get("GPU", 0) >= 1 for n in nodes))
    if gpus > 1 and gpus != int(gpus):
        raise BadInput(f"--gpus-per-trial {gpus:g}: a fraction of one GPU, or a whole number of them")
    found = replace(wanted, gpus=gpus)
    if not found.bundle:
        raise BadInput("--cpus-per-trial 0 --gpus-per-trial 0: a trial must take something")
    at_once = room(found, nodes)
    if at_once:
        return found, at_once
    offered = "; ".join(f"{number} × {offer}" for offer, number in Counter(map(_offer, nodes)).items())
    for name, option in (("CPU", "--cpus-per-trial"), ("GPU", "--gpus-per-trial")):
        if found.bundle.get(name, 0) > max(n.get(name, 0) for n in nodes):
            raise BadInput(f"{option} {getattr(found, option[2:6]):g}: no node has that many; nodes: {offered}")
    raise BadInput(
        f"--cpus-per-trial {found.cpus:g} --gpus-per-trial {gpus:g}: no room for a single trial; nodes: {offered}"
    )


def room(resources: Resources, nodes: Sequence[Mapping[str, float]]) -> int:
    """How many trials run at once on nodes that offer so much."""
    takes = resources.bundle.items()
    bundles = sum(min(int(n.get(name, 0) / amount + 1e-9) for name, amount in takes) for n in nodes)
    return min(bundles // resources.devices, resources.at_once or bundles)


def _offer(node: Mapping[str, float]) -> str:
    return f"{node.get('CPU', 0):g} CPU, {node.get('GPU', 0):g} GPU"
