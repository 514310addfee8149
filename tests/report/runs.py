"""Run folders as a search leaves them, with names that a page must not trust."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from autocls.recipe import Recipe
from autocls.report.headline import Fact, Headline
from autocls.verdict.file import VERDICT as FILE
from autocls.verdict.file import save
from autocls.verdict.verdict import Verdict
from tests.verdict.verdicts import VERDICT

NASTY = ["<script>alert(1)</script>", '"; DROP', "</script><b>cat</b>"]


def write(folder: Path, trials: int = 30, *, complete: bool = True) -> Path:
    """A run of ``trials`` trials on classes with nasty names."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    rows = []
    for number in range(trials):
        recipe = _recipe(number, random)
        finished = "COMPLETE" if complete and number % 3 == 0 else "PRUNED"
        state = "FAIL" if number % 7 == 6 else finished
        epochs = {"FAIL": 0, "COMPLETE": 8, "PRUNED": 1 + number % 4}[state]
        start = 0.4 if number == 0 else 0.5
        curve = start + 0.05 * np.arange(1, epochs + 1) + random.normal(0, 0.02, epochs)
        rows.append(
            {
                "number": number,
                "state": state,
                "score": curve.max() if epochs else np.nan,
                "epochs": epochs,
                "planned": 8,
                "seconds": 0.5 * epochs,
                "parameters": 1000 + number if epochs else None,
                "multiply_adds": 50_000 + 10 * (number % 5) if epochs else None,
                "latency": 0.001 + 0.0001 * (number % 5) if epochs else np.nan,
                "latency_64": 0.02 + 0.001 * (number % 5) if epochs else np.nan,
                "started": float(number),
                "begun": number + 0.25,
                "finished": number + 0.25 + 0.5 * epochs,
                "worker": f"node-{number % 2}:123",
                "curve": list(curve),
                "reason": f"NaN loss in {NASTY[0]}" if state == "FAIL" else "",
                "traceback": f"Traceback (most recent call last):\n{NASTY[2]}" if state == "FAIL" else "",
                "left_out": _left_out(number),
                "recipe": recipe.to_yaml(),
            }
        )
    table = pd.DataFrame(rows).astype({"parameters": "Int64", "multiply_adds": "Int64"})
    table.to_parquet(folder / "trials.parquet", index=False)
    done = table[table["state"] == "COMPLETE"]
    best = None if done.empty else int(done.loc[done["score"].idxmax(), "number"])
    summary = {
        "data": "pets & co",
        "source": "/data/my pets",
        "space": "quick",
        "metric": "macro_f1",
        "seed": 3,
        "winner": best,
        "baseline": 0,
        "test_score": 0.87 if best is not None else None,
        "test_images": 100,
        "seconds": 125.0,
        "stopped": "time is up",
        "sampler": "tpe",
        "pruner": "paced",
        "device": "1 thread of a Xeon",
        "limits": {},
        "classes": NASTY,
        "notes": [f"1 of 9 images in {NASTY[0]} is grey"],
        "counts": {part: dict.fromkeys(NASTY, 5) for part in ("train", "val", "test")},
    }
    (folder / "summary.json").write_text(json.dumps(summary))
    (folder / "environment.json").write_text(json.dumps({"versions": {"torch": "2.9"}, "command": NASTY[0]}))
    (folder / "space.yaml").write_text("norm: [none, batch]\n")
    if best is not None:
        (folder / "best_recipe.yaml").write_text(rows[best]["recipe"])
        (folder / "cards.json").write_text(json.dumps(_cards(Recipe.from_yaml(rows[best]["recipe"]))))
        _answers(random).to_parquet(folder / "test.parquet", index=False)
        np.savez_compressed(folder / "pictures.npz", **_pictures(random))
        shares = [
            {"parameter": "norm", "ped_anova": 0.7, "fanova": 0.4},
            {"parameter": "optimizer", "ped_anova": 0.3, "fanova": 0.6},
        ]
        (folder / "associations.json").write_text(json.dumps(shares))
    return folder


def _answers(random: np.random.Generator, images: int = 100) -> pd.DataFrame:
    """Of a sealed test part: four in five are right."""
    label = np.arange(images) % len(NASTY)

    def given(share: float) -> np.ndarray:
        wrong = random.random(images) > share
        return np.where(wrong, (label + random.integers(1, len(NASTY), images)) % len(NASTY), label)

    return pd.DataFrame(
        {
            "name": [f"{NASTY[i]}/{number}.png" for number, i in enumerate(label)],
            "label": label,
            "winner": given(0.8),
            "confidence": random.uniform(0.4, 1, images),
            "baseline": given(0.6),
            "baseline_confidence": random.uniform(0.4, 1, images),
        }
    )


def _pictures(random: np.random.Generator) -> dict[str, np.ndarray]:
    def noise(number: int) -> np.ndarray:
        return random.integers(0, 256, (number, 28, 28, 1), dtype=np.uint8)

    labels = np.repeat(np.arange(len(NASTY)), 4)
    return {"samples": noise(12), "labels": labels, "augmented": noise(12), "mistakes": noise(5), "rows": np.arange(5)}


def judge(folder: Path, verdict: Verdict = VERDICT) -> Path:
    """Give the run in ``folder`` a verdict, and the trials that it took, a better and a failed one among them."""
    trials = pd.read_parquet(folder / "trials.parquet").assign(phase="search", seed=0, role="")
    best = json.loads((folder / "summary.json").read_text())["winner"]
    again = trials[trials["number"] == best].iloc[[0] * 4].reset_index(drop=True)
    again = again.assign(
        number=[1000, 1001, 1002, 1003], phase=["screen", "confirm", "attribute", "confirm"], score=1.0
    )
    again.loc[3, ["state", "reason"]] = "FAIL", "out of memory"
    pd.concat([trials, again], ignore_index=True).to_parquet(folder / "trials.parquet", index=False)
    note, first = f"{NASTY[0]} was not taken out", replace(verdict.tricks[0], choice=NASTY[2])
    save(replace(verdict, winner=best, notes=(note,), tricks=(first, *verdict.tricks[1:])), folder / FILE)
    return folder


def _cards(recipe: Recipe) -> list[dict[str, str]]:
    """A card of each choice of a trick that a recipe makes, neutral ones too."""
    about = f"What it does.\nAnd {NASTY[0]}."
    said = {"about": about, "when": "Often. " * 40, "interactions": "", "cost": "1.2 × the time", "paper": "A 1999"}
    chosen = {slot: next(iter(v)) if isinstance(v, dict) else v for slot, v in recipe.plain().items()}
    return [{**said, "slot": slot, "name": name} for slot, name in chosen.items() if isinstance(name, str)]


def _left_out(number: int) -> list[str]:
    """Every fifth trial lacks one choice, and every tenth two."""
    said = [f"batch: not applicable: no place in {NASTY[0]}", "best: not applicable: no trial is complete yet"]
    return said[: (number % 5 == 0) + (number % 10 == 0)]


def _recipe(number: int, random: np.random.Generator) -> Recipe:
    if number == 0:
        return Recipe(epochs=8)
    return Recipe.from_plain(
        {
            "norm": random.choice(["none", "batch"]),
            "optimizer": {"adam": {"lr": float(10 ** random.uniform(-4, -2))}} if number % 2 else "sgd",
            "crop": {"shift": {"padding": 2}} if number % 5 == 0 else "none",
            "label_smoothing": float(random.uniform(0, 0.2)),
            "epochs": 8,
        }
    )


def facts(top: Headline) -> dict[str, Fact]:
    """What a headline says of the winner, of what it gained and of the search, by label."""
    its = top.contenders[0].facts if top.contenders else ()
    return {fact.label: fact for fact in (*its, *((top.gain,) if top.gain else ()), *top.effort)}
