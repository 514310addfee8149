"""How sure a share of counted things is."""

import math


def interval(share: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a share of ``n`` images (Wilson 1927), which stays honest at 0 and at 1."""
    z2 = 1.96**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = 1.96 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return middle - half, middle + half
