"""How sure a share of counted things is."""


def interval(share: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a share of ``n`` images (Wilson 1927), which stays honest at 0 and at 1."""
    from scipy.stats import binomtest  # slow to import, and few pages need it

    found = binomtest(round(share * n), n).proportion_ci(method="wilson")
    return float(found.low), float(found.high)
