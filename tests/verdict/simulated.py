"""Attribution runs of a winner with planted effects."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from autocls.verdict.attribution import Claim


def claims(slots: Sequence[str]) -> list[Claim]:
    """Of tricks that the winner has."""
    return [Claim(slot, "on", "off", active=True) for slot in slots]


def attribution(effects: Mapping[str, float], seeds: int, rng: np.random.Generator, sd: float = 0.003) -> pd.DataFrame:
    """The runs of a winner that scores about 0.95 and of an arm for each slot, whose trick gains its effect.

    A seed shifts all arms alike; ``sd`` is that of a paired difference. An arm "a+b" lacks both gains.
    """
    shared = 0.95 + rng.normal(0, 0.005, seeds)
    parts = []
    for arm, effect in {"": 0.0, **effects}.items():
        scores = shared - effect + rng.normal(0, sd / np.sqrt(2), seeds)
        parts.append(pd.DataFrame({"arm": arm, "seed": range(seeds), "score": scores}))
    return pd.concat(parts, ignore_index=True)
