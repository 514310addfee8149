"""How numbers and what they mean are written, in the terminal and on the page."""

import math

from autocls.verdict.verdict import Candidate, Interaction, Opening, Share


def metric_name(metric: str) -> str:
    """A metric as a person reads it: ``balanced accuracy``, ``mAP``."""
    return "mAP" if metric == "map" else metric.replace("_", " ")


def score(share: float) -> str:
    """``98.74``, of 100; a dash for what is not known."""
    return "–" if math.isnan(share) else f"{100 * share:.2f}"


def percent(share: float) -> str:
    """``98.74 %``; a dash for what is not known."""
    return "–" if math.isnan(share) else f"{score(share)} %"


def points(difference: float) -> str:
    """A difference of scores in points, with its sign: ``+1.24 points``."""
    return f"{signed(difference)} points"


def signed(difference: float) -> str:
    """A difference of scores in points without the word: ``+1.24``; a dash for what is not known."""
    return "–" if math.isnan(difference) else f"{100 * difference:+.2f}".replace("-", "−")


def span(low: float, high: float) -> str:
    """An interval of a difference in points: ``−0.10 to +1.24``; a dash for what is not known."""
    return f"{signed(low)} to {signed(high)}" if math.isfinite(low) else "–"


def shares(low: float, high: float) -> str:
    """An interval of a score: ``97.95 to 98.67 %``; a dash for what is not known."""
    return f"{100 * low:.2f} to {100 * high:.2f} %" if math.isfinite(low) else "–"


def probability(share: Share | None) -> str:
    """``94 % (80–100)``; a dash for what is not known, nothing for what makes no sense."""
    if share is None:
        return ""
    value, low, high = (100 * part for part in (share.value, share.low, share.high))
    return "–" if math.isnan(value) else f"{value:.0f} % ({low:.0f}–{high:.0f})"


def chance(p: float) -> str:
    """A p value: ``0.031``, ``< 0.001``; a dash for what is not known."""
    return "–" if math.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


def count(number: int | None) -> str:
    """``61.4 k``, ``11.2 M``; a dash for what is not known."""
    if number is None:
        return "–"
    for unit, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= unit:
            return f"{number / unit:.3g} {letter}" if number < 999.5 * unit else f"{number / unit:.0f} {letter}"
    return str(number)


def milliseconds(seconds: float) -> str:
    """``1.23 ms``; a dash for what is not known."""
    return "–" if math.isnan(seconds) else f"{digits(1000 * seconds)} ms"


def digits(number: float) -> str:
    """The first three digits of a number, without an exponent: ``0.0123``, ``1.2``, ``1,230``."""
    return f"{float(f'{number:.3g}'):,.6f}".rstrip("0").rstrip(".")


def duration(seconds: float) -> str:
    """``42 s``, ``3 min 20 s``, ``2 h 05 min``; a dash for what is not known."""
    if math.isnan(seconds):
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def name_of(choice: str) -> str:
    """``mixup`` of ``mixup(alpha=0.2)``."""
    return choice.partition("(")[0]


def standing(candidate: Candidate, baseline: int) -> list[str]:
    """What a candidate is, in words: the winner, the baseline, tied with the best, failed at times."""
    said = {
        "winner": candidate.recommended,
        "baseline": candidate.trial == baseline,
        "tied": candidate.tied and not candidate.recommended,
        f"{candidate.failed} failed": candidate.failed > 0,
    }
    return [word for word, holds in said.items() if holds]


def together(interaction: Interaction, alpha: float) -> str:
    """What a 2×2 of tricks says, in one line: it claims what stands among all pairs, as the paragraph does."""
    both, effect = f"{interaction.first} and {interaction.second}", interaction.effect
    if interaction.p_holm <= alpha:
        return f"{both} gain {'more' if effect.mean > 0 else 'less'} together than one by one"
    return f"{both} can't be told from two tricks that add up"


def opened(test: Opening) -> str:
    """What came out of the sealed test part, and whether it was sealed."""
    often = "opened once" if test.times == 1 else f"opened {test.times} times, so it is no longer sealed"
    baseline = "the baseline was not completed" if test.baseline is None else f"the baseline {percent(test.baseline)}"
    return f"{test.images:,} images, {often}: the winner has {percent(test.winner)}, {baseline}"
