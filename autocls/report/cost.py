"""What a score costs: the recipes that nothing beats at their price, and the best one under limits."""

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from autocls.report.content import confirmed, measured
from autocls.report.figures import BLUE, GREY, MOST_POINTS, ORANGE, Chart, chart, rounded, thinned
from autocls.report.run import Run
from autocls.verdict.wording import count, duration, milliseconds, percent

NEAR = 0.01
"""Of a score: what a chart's title calls near the winner."""
MUCH = 0.1
"""Of a price: what saving it speaks of."""
COLUMNS = ["at", "number", "score", "confirmed", "parameters", "latency", "seconds"]


@dataclass(frozen=True)
class Price:
    """One thing that a recipe costs."""

    column: str
    name: str
    least: str
    """What the least of it is called, and ``less`` what less of it is."""
    less: str
    axis: str
    scale: float
    """From the column's unit to the axis'."""

    def written(self, value: float) -> str:
        """A price with its unit."""
        if self.column == "parameters":
            return count(int(value))
        return milliseconds(value) if self.column == "latency" else duration(value)


PRICES = (
    Price("parameters", "parameters", "fewest parameters", "fewer parameters", "parameters", 1),
    Price("latency", "latency", "lowest latency", "less latency", "latency for one image, ms", 1000),
    Price("seconds", "training time", "shortest training", "less training time", "training time, s", 1),
)


@dataclass(frozen=True)
class Pick:
    """A recipe that is the best under some limits."""

    at: int
    """Its place on the leaderboard, from 0."""
    trial: int
    parameters: int | None
    latency: float | None
    """For one image, in ms."""
    said: str
    """What it costs in points against the winner, and what it saves."""


@dataclass(frozen=True)
class Cost:
    """What a score costs."""

    picks: tuple[Pick, ...]
    """The winner, then those that are the best under some limits that it breaks, best first."""
    has_latency: bool
    note: str
    """What a score is here."""
    limits: str
    """Those that the search itself kept; empty without any."""


def cost(run: Run) -> Cost:
    """What a score costs in this run."""
    trials = priced(run)
    return Cost(_picks(trials, run.winner), bool(trials["latency"].notna().any()), _note(run), _limits(run))


def charts(run: Run) -> dict[str, Chart]:
    """A chart of the score against each price, with the recipes that nothing beats at theirs."""
    trials, baseline = priced(run), run.summary.get("baseline")
    drawn = {price: trials.dropna(subset=price.column) for price in PRICES}
    return {
        f"cost-{price.column}": _chart(part, price, run.winner, baseline) for price, part in drawn.items() if len(part)
    }


def priced(run: Run) -> pd.DataFrame:
    """Complete trials with what is expected of each and what it costs, best first; NaN where nothing was measured.

    A score is the confirmed one where there is one. Else it is the search's less the optimism that confirmation found:
    otherwise any lucky single run would beat what was run again.
    """
    complete = run.board[run.board["state"] == "COMPLETE"]
    again = complete["number"].map(confirmed(run)).astype("float64")
    table = pd.DataFrame(
        {
            "at": complete.index,
            "number": complete["number"],
            "score": again.fillna(complete["score"] - optimism(run)),
            "confirmed": again.notna(),
            **{price.column: measured(complete, price.column) for price in PRICES},
        },
        columns=COLUMNS,
    )
    return table.sort_values(["score", "at"], ascending=[False, True]).reset_index(drop=True)


def optimism(run: Run) -> float:
    """What the search saw too much in its winner, in score units; 0 where nothing is known."""
    known = run.verdict is not None and math.isfinite(run.verdict.optimism)
    return max(0.0, run.verdict.optimism) if run.verdict and known else 0.0


def front(trials: pd.DataFrame, column: str) -> pd.DataFrame:
    """The trials that none beats without a higher price, cheapest first."""
    by_price = trials.dropna(subset=column).sort_values([column, "score"], ascending=[True, False])
    before = by_price["score"].cummax().shift(fill_value=-math.inf)
    return by_price[by_price["score"] > before].reset_index(drop=True)


def undominated(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials, best first, that none beats with as few parameters and as low a latency: all that limits can pick."""
    prices = trials[["parameters", "latency"]].fillna(math.inf).to_numpy()
    kept: list[int] = []
    for row, price in enumerate(prices):
        if not (prices[kept] <= price).all(axis=1).any():
            kept.append(row)
    return trials.iloc[kept]


def _picks(trials: pd.DataFrame, winner: int | None) -> tuple[Pick, ...]:
    """The winner stands first: within the limits, nothing else is asked for."""
    first, rest = trials[trials["number"] == winner], trials[trials["number"] != winner]
    if first.empty:
        return ()
    best = first.iloc[0]
    others = undominated(pd.concat([first, rest], ignore_index=True)).iloc[1:]
    return tuple(_pick(row, best) for _, row in pd.concat([first, others]).iterrows())


def _pick(row: "pd.Series[Any]", best: "pd.Series[Any]") -> Pick:
    return Pick(
        int(row["at"]),
        int(row["number"]),
        None if math.isnan(row["parameters"]) else int(row["parameters"]),
        None if math.isnan(row["latency"]) else round(1000 * row["latency"], 5),
        _said(row, best),
    )


def _said(row: "pd.Series[Any]", best: "pd.Series[Any]") -> str:
    wins = row["number"] == best["number"]
    known = [price for price in PRICES if not math.isnan(row[price.column])]
    prices = ", ".join(
        f"{price.written(row[price.column])} {price.name}{'' if wins else _ratio(row, best, price.column)}"
        for price in known
    )
    if wins:
        return f"The winner itself, trial {best['number']}, fits: {percent(row['score'])}; {prices}."
    sure = "" if row["confirmed"] else ", not confirmed"
    against = _against(row["score"] - best["score"])
    return f"Trial {row['number']} is the best that fits: {percent(row['score'])}{sure}. {against}; {prices}."


def _against(difference: float) -> str:
    """What a recipe costs in points."""
    size = f"{abs(100 * difference):.2f} points"
    return f"It costs {size} against the winner" if difference < 0 else f"It has {size} more than the winner"


def _ratio(row: "pd.Series[Any]", best: "pd.Series[Any]", column: str) -> str:
    return f" ({100 * row[column] / best[column]:.3g} % of the winner's)" if best[column] > 0 else ""


def _note(run: Run) -> str:
    less = optimism(run)
    if confirmed(run):
        by = f" less {100 * less:.2f} points, by which the search was too optimistic of its winner" if less else ""
        return f"Scores are confirmed ones where there is one (filled marks), else search scores{by} (open marks)."
    return "Scores are the search's, one run each: none was confirmed, so those of the best are optimistic."


def _limits(run: Run) -> str:
    kept = run.summary.get("limits") or {}
    said = [
        f"{price.name} {price.written(kept[price.column])}" for price in PRICES if kept.get(price.column) is not None
    ]
    return f"The search itself kept to limits: {', '.join(said)} at most." if said else ""


def finding(trials: pd.DataFrame, price: Price, winner: int | None) -> str:
    """What a chart of scores against a price shows, in one line."""
    if trials[price.column].nunique() == 1:
        return f"All complete trials have the same {price.name}: {price.written(trials[price.column].iloc[0])}"
    mine = trials[trials["number"] == winner]
    if mine.empty:
        best = front(trials, price.column).iloc[-1]
        return f"The best score has {price.written(best[price.column])} {price.name} (trial {best['number']})"
    score, own = mine["score"].iloc[0], mine[price.column].iloc[0]
    near = front(trials[trials["score"] >= score - NEAR], price.column).iloc[0]
    if near[price.column] > (1 - MUCH) * own:
        return f"Within 1 point of the winner, none has much {price.less} than its {price.written(own)}"
    return (
        f"Within 1 point of the winner, trial {near['number']} has the {price.least}: "
        f"{price.written(near[price.column])} instead of {price.written(own)}"
    )


def _chart(trials: pd.DataFrame, price: Price, winner: int | None, baseline: int | None) -> Chart:
    best = front(trials, price.column)
    others, said = thinned(trials[~trials["number"].isin(best["number"])], MOST_POINTS)
    marked = [("the winner", winner, BLUE, "star"), ("the baseline", baseline, ORANGE, "diamond")]
    low, high = trials[price.column].min(), trials[price.column].max()
    out = chart(finding(trials, price, winner), price.axis, "score", height=320)
    out["layout"] |= {"showlegend": False}
    out["layout"]["xaxis"] |= {"type": "log" if low > 0 and high > 20 * low else "linear", "nticks": 6}
    if high < 1.01 * low:  # else its ticks would be told apart by digits that mean nothing
        out["layout"]["xaxis"]["range"] = [0, 2 * price.scale * low]
    out["data"] = [
        _marks(f"other trials{said}", others, price, {"color": GREY, "size": 6}),
        _marks("nothing scores higher at this price", best, price, {"color": BLUE, "size": 9})
        | {"mode": "lines+markers", "line": {"color": BLUE, "width": 2, "shape": "hv"}},
        *(
            _marks(who, trials[trials["number"] == number], price, {"color": color, "size": 15, "symbol": symbol})
            for who, number, color, symbol in marked
        ),
    ]
    return out


def _marks(name: str, part: pd.DataFrame, price: Price, marker: dict[str, Any]) -> dict[str, Any]:
    """Confirmed scores are filled, others open."""
    symbol = marker.get("symbol", "circle")
    return {
        "type": "scatter", "mode": "markers", "name": name, "customdata": part["number"].tolist(),
        "x": [float(f"{price.scale * x:.4g}") for x in part[price.column]], "y": rounded(part["score"]),
        "marker": marker | {"symbol": [symbol if sure else f"{symbol}-open" for sure in part["confirmed"]]},
        "hovertemplate": "trial %{customdata}: %{y:.2%}, %{x}<extra></extra>",
    }  # fmt: skip
