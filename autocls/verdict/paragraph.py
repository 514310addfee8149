"""The verdict in words, from its numbers and only these: no claim without its interval and n."""

from collections.abc import Iterator, Sequence

import numpy as np

from autocls.verdict.attribution import FEWEST
from autocls.verdict.effects import ALPHA
from autocls.verdict.verdict import Effect, Phase, Trick, Verdict, Word
from autocls.verdict.wording import metric_name, name_of

_STAGES = {Phase.SCREEN: "screening", Phase.CONFIRM: "confirmation", Phase.ATTRIBUTE: "attribution"}


def write(verdict: Verdict) -> str:
    """One paragraph of plain language; points are hundredths of the score. ``verdict.paragraph`` itself isn't read."""
    parts = [
        *_winner(verdict),
        *_finetuned(verdict),
        *_tricks(verdict),
        *_together(verdict),
        *_ties(verdict),
        *_test(verdict),
        *_failures(verdict),
        *_spent(verdict),
        *(f"{note[0].upper()}{note[1:].rstrip('.')}." for note in verdict.notes),
    ]
    return " ".join(parts)


def _winner(verdict: Verdict) -> Iterator[str]:
    is_baseline = verdict.winner == verdict.baseline
    name = "The baseline is the winner:" if is_baseline else f"The winner, trial {verdict.winner}, scores"
    confirmed, gain = verdict.confirmed, verdict.gain
    if confirmed.n == 0:
        yield "The winner has no finished run on fresh seeds, and the best score of a search is no claim."
        return
    low, high = _number(confirmed.low, 2), _number(confirmed.high, 2)
    interval = f"95 % interval {low} to {high}" if confirmed.n > 1 else "no interval"
    metric = metric_name(verdict.metric)
    yield f"{name} {100 * confirmed.mean:.2f} % {metric} on fresh seeds ({interval}, n = {confirmed.n})."
    if is_baseline:
        yield "Nothing that was run again is shown to be better."
    elif gain.n == 0:
        yield "It can't be compared with the baseline, which finished none of these seeds."
    elif gain.low > 0 and gain.n >= FEWEST:
        yield f"That is better than the baseline ({_effect(gain)})."
    elif gain.high < 0 and gain.n >= FEWEST:
        yield f"That is worse than the baseline ({_effect(gain)})."
    else:
        yield f"These runs can't tell it from the baseline ({_effect(gain)})."
    if np.isfinite(verdict.optimism):
        seen = confirmed.mean + verdict.optimism
        excess = Effect(verdict.optimism, seen - confirmed.high, seen - confirmed.low, confirmed.n, np.nan, np.nan)
        yield f"The search had seen {100 * seen:.2f} % ({_effect(excess)})."
    if confirmed.n < FEWEST:
        yield f"Fewer than {FEWEST} seeds decide nothing."


def _tricks(verdict: Verdict) -> Iterator[str]:
    if not verdict.tricks:
        if verdict.winner != verdict.baseline:
            yield "Its tricks weren't taken out one by one, so which of them made the difference is not known."
        return
    if not any(trick.effect.n or trick.failed for trick in verdict.tricks):
        yield "There was no room to try its tricks one by one, so which of them made the difference is not known."
        return
    ran = [trick for trick in verdict.tricks if trick.effect.n]
    lost = [trick for trick in verdict.tricks if not trick.effect.n and trick.failed]
    untried = [trick for trick in verdict.tricks if trick.active and not trick.effect.n and not trick.failed]

    def those(word: Word, active: bool) -> list[Trick]:
        return [trick for trick in ran if trick.word is word and trick.active is active]

    groups = [
        ("{} made the difference", those(Word.HELPS, True)),
        ("the winner's own {} hurt", those(Word.HURTS, True)),
        ("putting in {} would help", those(Word.HELPS, False)),
        ("putting in {} would hurt", those(Word.HURTS, False)),
        (
            "{} made no difference",
            [trick for trick in ran if trick.word is Word.NO_DIFFERENCE],
        ),
        ("for {} these runs can't tell", [trick for trick in ran if trick.word is Word.UNDETERMINED]),
    ]
    clauses = [clause.format(_listed(tricks)) for clause, tricks in groups if tricks]
    if not any(tricks for _, tricks in groups[:4]):
        clauses.insert(0, "no trick is shown to matter")
    if lost:
        clauses.append(f"{_and([_name(trick) for trick in lost])} finished no pair of runs")
    if untried:
        clauses.append(f"{_and([_name(trick) for trick in untried])} could not be tried, for want of room")
    yield f"On this data, {'; '.join(clauses)}."
    yield (
        f"That is of {_count(len(ran) + len(lost), 'trick')} tried; the chance that any is wrongly said to help or to "
        f"hurt is at most {100 * verdict.alpha:.0f} %; up to {100 * verdict.margin:.2g} points count as no difference."
    )


def _finetuned(verdict: Verdict) -> Iterator[str]:
    for trick in verdict.tricks:
        if trick.slot == "weights" and trick.active and trick.instead == "none" and trick.effect.n:
            yield (
                f"Fine-tuned against from scratch, with as many epochs, the same seeds and all else equal: "
                f"{_effect(trick.effect)}."
            )


def _together(verdict: Verdict) -> Iterator[str]:
    for each in verdict.interactions:
        if each.p_holm <= ALPHA:
            more = "more" if each.effect.mean > 0 else "less"
            yield f"{each.first} and {each.second} gain {more} together than one by one ({_effect(each.effect)})."


def _ties(verdict: Verdict) -> Iterator[str]:
    tied = [each for each in verdict.candidates[1:] if each.tied and each.from_best.n]
    if not tied:
        return
    best = verdict.candidates[0]
    listed = _and([f"trial {each.trial} ({_effect(each.from_best)})" for each in tied])
    faster = [
        f"; the winner takes {100 * each.seconds / best.seconds:.0f} % of its time"
        for each in tied
        if each.trial == verdict.winner and each.seconds < best.seconds
    ]
    yield f"Of the candidates, {listed} can't be told from trial {best.trial}, the best by its mean{''.join(faster)}."


def _test(verdict: Verdict) -> Iterator[str]:
    if verdict.test is None:
        return
    test = verdict.test
    sealed = "opened once" if test.times == 1 else f"by now opened {test.times} times and so no longer sealed"
    baseline = "" if test.baseline is None else f", the baseline {100 * test.baseline:.2f} %"
    yield (
        f"On the sealed test part ({_count(test.images, 'image')}, {sealed}) one run of the winner scores "
        f"{100 * test.winner:.2f} %{baseline}."
    )


def _failures(verdict: Verdict) -> Iterator[str]:
    failed = [f"{_count(each.failed, 'run')} of trial {each.trial}" for each in verdict.candidates if each.failed]
    failed += [f"{_count(each.failed, 'pair')} of {_name(each)}" for each in verdict.tricks if each.failed]
    if failed:
        yield f"Failed, and left out above: {_and(failed)}."


def _spent(verdict: Verdict) -> Iterator[str]:
    took = [
        f"{_STAGES[each.phase]} took {100 * each.share:.0f} % ({_count(each.runs, 'run')})"
        for each in verdict.spent
        if each.runs and each.phase in _STAGES
    ]
    if took:
        yield f"Of the study's {sum(each.epochs for each in verdict.spent):,} epochs, {_and(took)}."


def _listed(tricks: Sequence[Trick]) -> str:
    """By name with their effects, the first in full."""
    return _and([f"{_name(trick)} ({_effect(trick.effect, short=i > 0)})" for i, trick in enumerate(tricks)])


def _name(trick: Trick) -> str:
    """``norm batch``, ``cutout`` where slot and choice have one name; with parameters where only they differ."""
    name = name_of(trick.choice)
    shown = trick.choice if name == name_of(trick.instead) else name
    return shown if name == trick.slot else f"{trick.slot} {shown}"


def _effect(effect: Effect, short: bool = False) -> str:
    """``+1.9 points, 95 % interval 1.4 to 2.4, n = 8``; short ``+1.9, 1.4 to 2.4, n = 8``."""
    digits = 1 if effect.high - effect.low >= 0.005 else 2
    size = _number(effect.mean, digits, "+")
    if np.isnan(effect.low):
        return f"{size}{'' if short else ' points'}, no interval, n = {effect.n}"
    interval = f"{_number(effect.low, digits)} to {_number(effect.high, digits)}"
    return (
        f"{size}, {interval}, n = {effect.n}" if short else f"{size} points, 95 % interval {interval}, n = {effect.n}"
    )


def _number(score: float, digits: int, sign: str = "-") -> str:
    """In points. Adding 0 makes 0 of -0."""
    return f"{round(100 * score, digits) + 0:{sign}.{digits}f}".replace("-", "−")


def _and(parts: Sequence[str]) -> str:
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
