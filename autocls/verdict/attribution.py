"""Which tricks of the winner made the difference: the winner trained again with each of them taken out.

The frame of these runs has a row a run, with the columns ``arm`` (str), ``seed`` (int) and ``score`` (0..1, NaN where
the run failed). Arm "" is the winner. Another arm is the winner with some slots toggled, and is named by them: "norm"
has the norm set back to what the baseline has, "mix+norm" both; all of the winner's tricks toggled are the baseline.
Every arm runs the same seeds in ascending order, so runs are paired by seed; an arm with a seed twice is a ValueError.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from autocls.verdict.effects import LOOKS, Floats, alpha_at, holm, mean, paired, standard_error, t_interval, t_test
from autocls.verdict.verdict import Effect, Interaction, Step, Trick, Word

WINNER = ""
"""Its arm."""
FEWEST = 5
"""Finished pairs that a word needs: those of the first look."""

Runs = Mapping[str, Mapping[int, float]]
"""Arm → seed → score."""


@dataclass(frozen=True)
class Claim:
    """What is asked of a slot of the winner: what toggling it changes."""

    slot: str
    choice: str
    """The trick: what the winner has there, or, where it is not ``active``, what its arm puts in."""
    instead: str
    """What is there without the trick."""
    active: bool
    """Whether the winner has the trick, so that its arm takes it out."""


def arm_name(slots: Iterable[str]) -> str:
    """The arm that has these slots toggled; "", the winner, without any."""
    return "+".join(sorted(slots))


def attribute(
    scores: pd.DataFrame, claims: Sequence[Claim], margin: float, looks: Sequence[int] = LOOKS
) -> tuple[Trick, ...]:
    """A word for each claim; by effect, largest first, those that never ran last.

    Group sequential: ``looks`` are numbers of seeds, ascending, and look i spends α_i = ``alpha_at(i)``. A claim is
    judged at a look once the winner and its arm have run all of the first so many seeds, unless an earlier look
    decided it:

    - **helps** or **hurts**: the two-sided t test's p, Holm-adjusted at this look, is ≤ α_i. The family is all claims:
      one found to help or hurt before counts as rejected, one that isn't tested now as p = 1. Holm's argument then
      gives a chance ≤ α_i that this look is the first to call any null effect one, so ≤ Σ α_i ≤ 0.05 over all looks,
      whichever arms were run on (Ye et al. 2013, A group sequential Holm procedure with multiple primary endpoints,
      Statistics in Medicine 32).
    - **no difference**: the interval at level 1 - 2 α_i lies within ± ``margin``, two one-sided tests at α_i
      (Schuirmann 1987, Journal of Pharmacokinetics and Biopharmaceutics 15). So a trick whose true effect is the
      margin or more gets this word with a chance ≤ Σ α_i ≤ 0.05: each trick by itself, not all of them together.
    - **undetermined** otherwise.

    The effect is over all pairs that the arm has. A pair with a failed side is dropped and counted in ``failed``; a
    word needs ``FEWEST`` finished pairs.
    """
    runs, seeds = _read(scores)
    pairs = [_claimed(runs, claim) for claim in claims]
    words = [Word.UNDETERMINED] * len(claims)
    p_holm = [1.0] * len(claims)
    for look, count in enumerate(looks, start=1):
        now = {
            i: np.array([pairs[i][seed] for seed in seeds[:count]])
            for i, word in enumerate(words)
            if word is Word.UNDETERMINED and len(seeds) >= count and all(seed in pairs[i] for seed in seeds[:count])
        }
        now = {i: values[~np.isnan(values)] for i, values in now.items()}
        p = [0.0 if word in (Word.HELPS, Word.HURTS) else 1.0 for word in words]
        for i, values in now.items():
            p[i] = t_test(values)
        adjusted = holm(p)
        for i, values in now.items():
            p_holm[i] = adjusted[i]
            words[i] = _word(values, adjusted[i], alpha_at(look), margin)
    tricks = [
        Trick(
            claim.slot, claim.choice, claim.instead, claim.active, word, paired(list(each.values())), p, _failed(each)
        )
        for claim, each, word, p in zip(claims, pairs, words, p_holm, strict=True)
    ]
    return tuple(sorted(tricks, key=_by_gain))


def undecided(
    scores: pd.DataFrame, claims: Sequence[Claim], margin: float, looks: Sequence[int] = LOOKS
) -> tuple[str, ...]:
    """The slots still undetermined after the looks passed so far, nearest to a decision first.

    How near: the mean's distance from 0, or from the margin if it is within, whichever is more half-widths of the
    interval that the next look would ask for (Bonferroni's for the former); at 1 it would be decided. Slots whose arm
    has fewer than two finished pairs come last.
    """
    runs, seeds = _read(scores)
    passed = sum(count <= len(seeds) for count in looks)
    alpha = alpha_at(passed + 1)
    open_slots = {trick.slot for trick in attribute(scores, claims, margin, looks) if trick.word is Word.UNDETERMINED}
    near = {
        claim.slot: _nearness(_claimed(runs, claim).values(), margin, alpha / len(claims), alpha)
        for claim in claims
        if claim.slot in open_slots
    }
    return tuple(sorted(near, key=lambda slot: -near[slot]))


def gain_order(tricks: Iterable[Trick]) -> tuple[str, ...]:
    """Their slots, largest effect first, those without one last: the order for ``path``."""
    return tuple(trick.slot for trick in sorted(tricks, key=_by_gain))


def path_arms(order: Sequence[str], claims: Iterable[Claim]) -> tuple[str, ...]:
    """The arms on the way from the baseline to the winner that takes the winner's tricks in, one at a time.

    In this order: slots in it that aren't active claims are passed over, and active ones that it lacks come last.
    """
    steps = _active_in_order(order, claims)
    return tuple(arm_name(steps[i:]) for i in range(len(steps) + 1))


def path(scores: pd.DataFrame, order: Sequence[str], claims: Sequence[Claim]) -> tuple[Step, ...]:
    """The way of ``path_arms``, up to the first arm that never ran; each step's gain is paired with the arm before."""
    runs, _ = _read(scores)
    choices = {claim.slot: claim.choice for claim in claims}
    arms = path_arms(order, claims)
    steps: list[Step] = []
    for i, (arm, slot) in enumerate(zip(arms, ["", *_active_in_order(order, claims)], strict=True)):
        if arm not in runs:
            break
        gain = None if i == 0 else _difference(runs, arm, arms[i - 1])
        steps.append(Step(slot, choices.get(slot, ""), mean(list(runs[arm].values())), gain))
    return tuple(steps)


def interactions(scores: pd.DataFrame, pairs: Sequence[tuple[str, str]]) -> tuple[Interaction, ...]:
    """For two slots each whose tricks the winner has: whether they gain more, or less, together than the sum of each.

    From the arms "", "a", "b" and "a+b", over the seeds that all four finished; a pair without any is left out. The p
    values are Holm-adjusted over all pairs asked for, a family of its own, judged once.
    """
    runs, _ = _read(scores)
    found = []
    for first, second in pairs:
        # The arm that toggles the second is left with the first only.
        cells = [WINNER, arm_name([second]), arm_name([first]), arm_name([first, second])]
        seeds = [seed for seed in _shared(runs, cells) if not any(np.isnan(runs[cell][seed]) for cell in cells)]
        table = np.array([[runs[cell][seed] for cell in cells] for seed in seeds])
        found.append((first, second, table))
    effects = [paired(table @ [1, -1, -1, 1]) if len(table) else paired([]) for _, _, table in found]
    p_holm = holm([effect.p for effect in effects])
    judged = []
    for (first, second, table), effect, p in zip(found, effects, p_holm, strict=True):
        if len(table):
            both, only_first, only_second, neither = table.mean(axis=0).tolist()
            judged.append(Interaction(first, second, both, only_first, only_second, neither, effect, p))
    return tuple(judged)


def _read(scores: pd.DataFrame) -> tuple[Runs, list[int]]:
    """The runs, and all seeds in order."""
    runs: dict[str, dict[int, float]] = {}
    if scores.empty:
        return runs, []
    for arm, seed, score in zip(scores["arm"], scores["seed"], scores["score"].astype(float), strict=True):
        of_arm = runs.setdefault(str(arm), {})
        if seed in of_arm:
            raise ValueError(f"arm {arm!r} ran seed {seed} twice")
        of_arm[int(seed)] = score
    return runs, sorted({seed for of_arm in runs.values() for seed in of_arm})


def _shared(runs: Runs, arms: Iterable[str]) -> list[int]:
    """The seeds that all of these arms ran, in order."""
    return sorted(set.intersection(*(set(runs.get(arm, {})) for arm in arms)))


def _pairs(runs: Runs, better: str, worse: str) -> dict[int, float]:
    """Seed → score of the one minus score of the other, over the seeds that both ran; NaN where one failed."""
    return {seed: runs[better][seed] - runs[worse][seed] for seed in _shared(runs, [better, worse])}


def _claimed(runs: Runs, claim: Claim) -> dict[int, float]:
    """Seed → score with the trick minus score without."""
    return _pairs(runs, WINNER, claim.slot) if claim.active else _pairs(runs, claim.slot, WINNER)


def _difference(runs: Runs, better: str, worse: str) -> Effect:
    return paired(list(_pairs(runs, better, worse).values()))


def _failed(pairs: Mapping[int, float]) -> int:
    return int(np.isnan(list(pairs.values())).sum())


def _word(values: Floats, p_holm: float, alpha: float, margin: float) -> Word:
    if len(values) < FEWEST:
        return Word.UNDETERMINED
    if p_holm <= alpha:
        return Word.HELPS if values.mean() > 0 else Word.HURTS
    low, high = t_interval(values, 1 - 2 * alpha)
    return Word.NO_DIFFERENCE if -margin <= low and high <= margin else Word.UNDETERMINED


def _nearness(differences: Iterable[float], margin: float, alpha_effect: float, alpha_none: float) -> float:
    values = np.array(list(differences))
    values = values[~np.isnan(values)]
    error = standard_error(values)
    if np.isnan(error):
        return -np.inf
    if error == 0:
        return np.inf
    size, df = abs(float(values.mean())), len(values) - 1
    from_zero = size / float(stats.t.ppf(1 - alpha_effect / 2, df))
    within = (margin - size) / float(stats.t.ppf(1 - alpha_none, df))
    return max(from_zero, within) / error


def _by_gain(trick: Trick) -> tuple[bool, float]:
    """To sort by: largest effect first, NaN last."""
    return bool(np.isnan(trick.effect.mean)), -trick.effect.mean


def _active_in_order(order: Sequence[str], claims: Iterable[Claim]) -> list[str]:
    active = [claim.slot for claim in claims if claim.active]
    return [slot for slot in order if slot in active] + [slot for slot in active if slot not in order]
