"""What can be learnt of tricks in seconds, before any trial: whether they are alive, where they fit, what they cost."""

from autocls.probe.cost import Cost, cost
from autocls.probe.liveness import Finding, check
from autocls.probe.observation import Bench

__all__ = ["Bench", "Cost", "Finding", "check", "cost"]
