"""Which tricks look worth searching: a balanced plan of short runs, and what they say. Hints, no claims.

The plan is a Plackett–Burman design over the slots, folded over: each run has a mirror, in which every slot that was on
is off and the other way round. In the difference of such a pair everything that tricks do two by two cancels, so main
effects are clear of two-factor interactions; and so does all that both runs share, their hyperparameters for one
(Plackett & Burman 1946, Biometrika 33; Box & Wilson 1951, JRSS B 13).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydoe import pbdesign
from scipy import stats

from autocls.verdict.effects import ALPHA, LEVEL, Floats
from autocls.verdict.verdict import Screened

SPARE = 4
"""Degrees of freedom that a design leaves, and a fit wants left, to see the noise by."""


def design(factors: Mapping[str, Sequence[str]], seed: int) -> pd.DataFrame:
    """The runs that screen slots: a row a run; a column a slot that holds its choice, ``pair`` (int), ``fold`` (0, 1).

    ``factors`` are a slot's choices, the neutral one first. Every slot is on in one run of each pair, so in half of all
    runs, and its choices take turns there in shuffled order. There are as many pairs as the smallest design has (8, 12,
    16, 20, 24, 32, 40, 48, …) that leaves ``SPARE`` degrees of freedom with every slot in and any one split by choice.
    The pairs come in random order, so a plan that is cut short is not one-sided. ValueError without slots, or for one
    with nothing to choose.
    """
    for slot, choices in factors.items():
        if len(choices) < 2:
            raise ValueError(f"{slot}: nothing to screen, all it can be is {list(choices)}")
    if not factors:
        raise ValueError("no slots to screen")
    rng = np.random.default_rng(seed)
    widest = max(len(choices) - 1 for choices in factors.values())
    signs = _plackett_burman(len(factors) - 1 + widest + SPARE)
    pairs = len(signs)
    # It is all the same to the design which column, which row and which end is "on"; without the random ends one run
    # would have every trick at once.
    signs = rng.permutation(rng.permutation(signs, axis=1)[:, : len(factors)]) * rng.choice([-1, 1], len(factors))
    table: dict[str, list[str]] = {}
    for (slot, (neutral, *others)), column in zip(factors.items(), signs.T, strict=True):
        turns = rng.permutation(np.resize(np.arange(len(others)), pairs))
        table[slot] = [
            choice
            for turn, sign in zip(turns, column, strict=True)
            for choice in ((others[turn], neutral) if sign > 0 else (neutral, others[turn]))
        ]
    return pd.DataFrame(table).assign(pair=np.repeat(np.arange(pairs), 2), fold=np.tile([0, 1], pairs))


def estimate(runs: pd.DataFrame, neutral: Mapping[str, str]) -> tuple[Screened, ...]:
    """What each choice gains over its slot's neutral one, averaged over all the others; largest first, NaN last.

    ``runs`` has a column a slot of ``neutral`` with the choice that was really run, ``pair``, and ``score`` (0..1, NaN
    where the run failed: it counts as the worst score of those that finished). Without a finished run there is nothing.

    Least squares with a block for each pair, so that only differences within pairs count. Its columns are all choices
    if that leaves ``SPARE`` degrees of freedom. Otherwise each slot gets a fit of its own, in which it is split by
    choice and every other slot is just on or off: how those choices differ is then part of the noise. The noise is what
    the fit leaves over, unless that has fewer than ``SPARE`` degrees of freedom and fewer than a third of the effects'
    number: then it is ``lenth`` of the effects. An effect that the runs can't tell from others is NaN, between
    infinities, with a p of 1.
    """
    if runs.empty or runs["score"].isna().all():
        return ()
    slots = [slot for slot in neutral if slot in runs]
    together = _fit(runs, neutral, slots)
    clear = together.free >= SPARE and not np.isnan(together.effects).any()
    fits = {slot: together if clear else _fit(runs, neutral, [slot]) for slot in slots}
    found = [
        _screened(slot, choice, effect, error, fit.free, n=int((runs[slot] == choice).sum()))
        for slot, fit in fits.items()
        for (of, choice), effect, error in zip(fit.columns, fit.effects, fit.errors, strict=True)
        if of == slot
    ]
    return tuple(sorted(found, key=lambda each: (bool(np.isnan(each.effect)), -each.effect)))


def lenth(effects: Sequence[float] | Floats) -> float:
    """The pseudo standard error of m effects of one design, with m / 3 degrees of freedom; takes most to be none.

    1.5 times the median of their sizes, over those up to 2.5 times 1.5 times the median of all (Lenth 1989, Quick and
    easy analysis of unreplicated factorials, Technometrics 31). NaN without effects.
    """
    sizes = np.abs(np.asarray(effects, dtype=float))
    if len(sizes) == 0:
        return np.nan
    first = 1.5 * float(np.median(sizes))
    return 1.5 * float(np.median(sizes[sizes <= 2.5 * first]))


def best_looking(screened: Sequence[Screened]) -> dict[str, str]:
    """Slot → the choice that gains most; slots where none gains are left out."""
    gaining = sorted((each for each in screened if each.effect > 0), key=lambda each: each.effect)
    return {each.slot: each.choice for each in gaining}


def dropped(screened: Sequence[Screened]) -> list[tuple[str, str]]:
    """The slots and choices that surely hurt: below 0 by intervals that hold for all choices at once (Bonferroni)."""
    return [(each.slot, each.choice) for each in screened if each.effect < 0 and each.p * len(screened) <= ALPHA]


def suspects(runs: pd.DataFrame, neutral: Mapping[str, str], most: int = 2) -> list[tuple[str, str]]:
    """The pairs of slots that most look as if they did more, or less, together than alone; strongest first.

    ``runs`` are those of ``estimate``. What two tricks do together shows in the mean of a pair of runs, beside what the
    pair's hyperparameters do; and a design can't tell some combinations of slots apart. So these are only hints which
    combinations to run; strength is the correlation, which orders as |t| does.
    """
    if runs.empty or runs["score"].isna().all():
        return []
    on = {slot: np.where(runs[slot] == neutral[slot], -1.0, 1.0) for slot in neutral if slot in runs}
    combined = list(combinations(on, 2))
    whole = (runs.groupby("pair")["pair"].transform("size") == 2).to_numpy()
    columns = np.column_stack([_finished(runs), *(on[a] * on[b] for a, b in combined)])[whole]
    means = pd.DataFrame(columns).groupby(runs["pair"].to_numpy()[whole]).mean()
    varying = means.loc[:, means.std() > 0]
    if 0 not in varying:
        return []
    strength = varying.corr()[0].drop(0).abs().sort_values(ascending=False, kind="stable")
    return [combined[int(column) - 1] for column in strength.index[:most]]


@dataclass(frozen=True)
class _Fit:
    columns: list[tuple[str, str]]
    """A slot and its choice, "" for a slot that is just on or off."""
    effects: Floats
    """NaN where the runs can't tell a column from others."""
    errors: Floats
    """Their standard errors; NaN where nothing shows the noise."""
    free: float
    """Degrees of freedom of these."""


def _fit(runs: pd.DataFrame, neutral: Mapping[str, str], split: Sequence[str]) -> _Fit:
    """Least squares within pairs, in which the slots of ``split`` have a column for each choice, and others one."""
    table: dict[tuple[str, str], npt.NDArray[np.bool_]] = {}
    for slot in neutral:
        if slot not in runs:
            continue
        chosen = runs[slot].to_numpy(dtype=object)
        on = chosen != neutral[slot]
        if slot in split:
            table |= {(slot, choice): chosen == choice for choice in pd.unique(chosen[on])}
        elif on.any():
            table[slot, ""] = on
    pair = runs["pair"].to_numpy()
    columns = _less_mean(np.column_stack([np.zeros((len(runs), 0)), *table.values()]), pair)
    scores = _less_mean(_finished(runs)[:, None], pair)[:, 0]
    inverse = np.linalg.pinv(columns, rcond=1e-9)
    effects, projection = inverse @ scores, inverse @ columns
    apart = np.isclose(np.diag(projection), 1)
    lengths = np.linalg.norm(inverse, axis=1)
    free = float(len(runs) - len(np.unique(pair)) - round(np.trace(projection)))
    noise = np.sqrt(np.sum((scores - columns @ effects) ** 2) / free) if free else np.nan
    if free < SPARE and apart.sum() / 3 > free:
        free = apart.sum() / 3
        noise = lenth(effects[apart] / lengths[apart])
    return _Fit(list(table), np.where(apart, effects, np.nan), np.where(apart, noise * lengths, np.nan), free)


def _screened(slot: str, choice: str, effect: float, error: float, free: float, n: int) -> Screened:
    if np.isnan(error):
        return Screened(slot, choice, float(effect), -np.inf, np.inf, n, 1.0)
    half = error * float(stats.t.ppf((1 + LEVEL) / 2, free))
    p = float(2 * stats.t.sf(abs(effect) / error, free)) if error else float(effect == 0)
    return Screened(slot, choice, float(effect), float(effect - half), float(effect + half), n, p)


def _plackett_burman(rows: int) -> Floats:
    """The smallest design of at least so many rows: ±1, rows × (rows - 1), balanced orthogonal columns."""
    while True:
        rows = -(-rows // 4) * 4
        try:
            return np.asarray(pbdesign(rows - 1), dtype=float)
        except ValueError:  # There is none of this size.
            rows += 4


def _finished(runs: pd.DataFrame) -> Floats:
    """The scores, with failed runs as the worst of the others."""
    return runs["score"].fillna(runs["score"].min()).to_numpy(dtype=np.float64)


def _less_mean(columns: Floats, pair: npt.NDArray[np.int64]) -> Floats:
    """Without the mean of each pair."""
    means: Floats = pd.DataFrame(columns).groupby(pair).transform("mean").to_numpy(dtype=np.float64)
    return np.subtract(columns, means)
