"""What a study holds for its verdict, as the frames and facts that the statistics want."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from autocls.recipe import Recipe
from autocls.search.record import Record, Row
from autocls.search.screening import frame as screen_frame
from autocls.training.footprint import Limits
from autocls.verdict.attribution import Claim
from autocls.verdict.judge import Evidence, judge
from autocls.verdict.ranking import winner
from autocls.verdict.verdict import Opening, Phase, Spent, Verdict


def verdict(study: Record) -> Verdict | None:
    """What a study may claim so far; None while it has no complete trial."""
    found = evidence(study)
    return None if found is None else judge(found)


def evidence(study: Record) -> Evidence | None:
    """What a study's verdict is drawn from; None while it has no complete trial."""
    rows, about = study.rows(), study.about()
    best = chosen_trial(study)
    if best is None:
        return None
    neutral = about.get("neutral", {})
    searched = [row for row in rows if row.phase == Phase.SEARCH]
    return Evidence(
        metric=about["metric"],
        baseline=0,
        winner=best,
        search_scores={row.number: row.score for row in searched if row.state == "COMPLETE"},
        confirm=confirmed([row for row in rows if row.phase == Phase.CONFIRM]),
        attribute=attributed([row for row in rows if row.phase == Phase.ATTRIBUTE]),
        claims=tuple(Claim(**claim) for claim in about.get("claims", [])),
        baseline_arm=about.get("all_off", ""),
        order=tuple(about.get("path", ())),
        pairs=tuple((first, second) for first, second in about.get("pairs", [])),
        looks=tuple(about.get("looks", ())),
        screen=screen_frame([row for row in rows if row.phase == Phase.SCREEN], list(neutral)),
        neutral=neutral,
        spent=spent(rows),
        test=_opening(about),
        notes=tuple(about.get("undone", [])),
        barred=tuple(over_limit(study)),
        margin=about.get("margin"),
    )


def chosen_trial(study: Record) -> int | None:
    """The number of the trial that confirmation recommends, else of the best complete one; None when there is none."""
    recommended: int | None = study.about().get("recommended")
    if recommended is not None:
        return recommended
    barred = over_limit(study)
    searched = [row for row in study.rows() if row.phase == Phase.SEARCH and row.number not in barred]
    return winner(pd.DataFrame([vars(row) for row in searched])) if searched else None


def over_limit(study: Record) -> list[int]:
    """The complete trials that cost more than is allowed: the baseline at most, which is trained in any case."""
    limits = Limits(**study.about().get("limits", {}))
    complete = [row for row in study.rows() if row.state == "COMPLETE" and row.parameters is not None]
    return [r.number for r in complete if any(by > 0 for by in limits.excess(r.parameters or 0, r.latency).values())]


def confirmed(rows: Sequence[Row]) -> pd.DataFrame:
    """The runs of confirmation that ended, a row each: ``candidate``, ``seed``, ``score``, ``seconds``, ``parameters``.

    The score of a run that failed is NaN.
    """
    columns = ["candidate", "seed", "score", "seconds", "parameters"]
    found = [(int(r.role), r.seed, _score(r), r.seconds, r.parameters) for r in rows if r.state != "PRUNED"]
    return pd.DataFrame(found, columns=columns).astype({"score": float, "seconds": float, "parameters": "Int64"})


def attributed(rows: Sequence[Row]) -> pd.DataFrame:
    """The runs of attribution that ended, a row each: ``arm``, ``seed``, ``score`` (NaN of a run that failed).

    Seeds are counted from 0, in the order in which they were begun.
    """
    found = [(r.role, r.seed, _score(r)) for r in rows if r.state != "PRUNED"]
    table = pd.DataFrame(found, columns=["arm", "seed", "score"]).astype({"score": float})
    return table.assign(seed=pd.factorize(table["seed"])[0])


def spent(rows: Sequence[Row]) -> tuple[Spent, ...]:
    """What each phase took."""
    whole = max(1, sum(row.epochs for row in rows))
    of_phase = {phase: [row.epochs for row in rows if row.phase == phase] for phase in Phase}
    return tuple(Spent(phase, len(epochs), sum(epochs), sum(epochs) / whole) for phase, epochs in of_phase.items())


def claims(winner: Recipe, baseline: Recipe) -> list[Claim]:
    """What the winner chose otherwise than the baseline, slot by slot."""
    its, plain = winner.differences(baseline), baseline.differences(winner)
    return [Claim(slot, its[slot], plain[slot], active=True) for slot in its]


def _score(row: Row) -> float:
    return row.score if row.state == "COMPLETE" else float("nan")


def _opening(about: dict[str, Any]) -> Opening | None:
    opened = about.get("openings", [])
    if not opened:
        return None
    return Opening(opened[-1]["images"], opened[-1]["winner"], opened[-1]["baseline"], len(opened))
