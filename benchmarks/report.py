"""What `autocls report` takes for 10,000 trials of the full space: seconds, megabytes, and how the page answers a hand.

The trials are simulated. Seconds of CPU are the processor's own, which other programs disturb little.

    python benchmarks/report.py --trials 10000
"""

import argparse
import math
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from playwright.sync_api import CDPSession, Page, sync_playwright
from rich.table import Table

from autocls.recipe import Recipe
from autocls.report import write_report
from autocls.report.run import read
from autocls.search import folder as run_folder
from autocls.search.messages import Ended
from autocls.search.record import JOURNAL, Record
from autocls.search.study import Study
from autocls.space import Space
from autocls.training.footprint import Footprint
from benchmarks.results import machine, write

CHROMIUM = "/usr/bin/chromium"
MOST_SECONDS, MOST_MEGABYTES, MOST_MILLISECONDS, MOST_UNSEEN = 15, 15, 100, 2000


def make(folder: Path, trials: int) -> None:
    """A run folder with nothing but its journal and space, as a search that was killed leaves it."""
    space, random = Space.load("full"), np.random.default_rng(0)
    about = {"data": "simulated", "space": "full", "metric": "accuracy", "seed": 0, "classes": []}
    study = Study.create(folder, None, space, about, seed=0, sampler="random", pruner="none", misfits=_no_norm)
    for _ in range(trials):
        asked = study.ask()
        assert asked is not None, "the full space is never exhausted"
        planned = asked.recipe.epochs
        state = (
            "COMPLETE" if asked.number == 0 else str(random.choice(["COMPLETE", "PRUNED", "FAIL"], p=[0.25, 0.7, 0.05]))
        )
        epochs = {"COMPLETE": planned, "PRUNED": int(random.choice([1, 3, 9])), "FAIL": 0}[state]
        scores = random.uniform(0.5, 0.99) * (1 - 0.5 / np.arange(1, epochs + 1)) + random.normal(0, 0.01, epochs)
        for epoch, score in enumerate(scores.tolist(), 1):
            study.report(asked.number, epoch, score)
        reason = f"out of memory at {asked.recipe.image_size} pixels" if state == "FAIL" else ""
        parameters = int(random.integers(10**4, 10**7))
        latency = float(random.uniform(1e-4, 1e-2))
        footprint = Footprint(parameters, 20 * parameters, latency, 20 * latency) if epochs else None
        begun, worker = float(asked.number), f"node:{asked.number % 8}"
        study.tell(asked.number, state, Ended(1.234567 * epochs, begun, worker, footprint, reason=reason))
    study.flush()
    (folder / "space.yaml").write_text(space.to_yaml(), encoding="utf-8")


def _no_norm(recipe: Recipe) -> dict[str, str]:
    return {"norm": f"{recipe.norm.choice}: not applicable: no place"} if recipe.norm else {}


def parts(folder: Path) -> dict[str, float]:
    """CPU seconds of each part of `autocls report`, in this process."""
    began, out = time.process_time(), {}

    def lap(name: str) -> None:
        nonlocal began
        out[name], began = time.process_time() - began, time.process_time()

    study = Record.open(folder)
    study.rows()
    lap("read the journal")
    run_folder.write(folder, study)
    lap("write the tables")
    run = read(folder)
    assert len(run.recipes.made_of) == len(run.board)
    lap("read the tables and recipes")
    write_report(folder)
    lap("read, draw and write the page")
    return out


def sizes(page: str) -> dict[str, float]:
    """Megabytes of the page and of each script in it."""
    scripts = re.findall(r'<script type="application/json" id="(\w+)">(.*?)</script>', page, re.DOTALL)
    plotly = re.search(r"<script>\s*/\*\*\s*\* plotly\.js.*?</script>", page, re.DOTALL)
    named = [*scripts, ("plotly.js", plotly.group() if plotly else ""), ("the page", page)]
    return {name: len(text.encode()) / 1e6 for name, text in named}


class Hand:
    """Milliseconds from a deed on the page to the second frame after it, and of its main thread's CPU meanwhile."""

    def __init__(self, page: Page, session: CDPSession) -> None:
        self._page = page
        self._session = session
        session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def _busy(self) -> float:
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return float(next(m["value"] for m in metrics if m["name"] == "TaskDuration"))

    def does(self, script: str) -> tuple[float, float]:
        before = self._busy()
        wall = self._page.evaluate(
            "async () => { const frame = () => new Promise(requestAnimationFrame);"
            f" await frame(); const began = performance.now(); {{ {script} }} await frame(); await frame();"
            " return performance.now() - began }"
        )
        return float(wall), 1000 * (self._busy() - before)


_SEEN = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"
_TYPE = "const f = document.getElementById('filter'); f.value = '{}'; f.dispatchEvent(new Event('input'))"
DEEDS = {
    **{
        f"sort by {k}": f"document.querySelector('th[data-key={k}] button').click()" for k in ("score", "chips", "rank")
    },
    **{
        f"filter: {text}": _TYPE.format(text)
        for text in ("a", "adam", "momentum: 0.9", "optimizer = adam, lr < 0.01", "")
    },
    "show a recipe": "document.querySelector('.open').click()",
    "scroll a page": "document.querySelector('.scroll').scrollTop += 640",
    "scroll to an end": "const box = document.querySelector('.scroll'); box.scrollTop = box.scrollTop > 1e4 ? 0 : 1e9",
}


def browse(page_file: Path) -> dict[str, tuple[float, float]]:
    """Milliseconds of each deed in the page, wall and CPU, the middle of five; the first is the opening of the page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        hand = Hand(page, page.context.new_cdp_session(page))
        began = time.perf_counter()
        page.goto(page_file.as_uri())
        page.wait_for_selector("#chart-curves .main-svg")
        out = {"open, with charts": (1000 * (time.perf_counter() - began), 1000 * hand._busy())}
        out["open, until something is seen"] = (float(page.evaluate(_SEEN)), math.nan)
        page.wait_for_timeout(2000)
        for name, script in DEEDS.items():
            out[name] = _middle(lambda script=script: hand.does(script))
        browser.close()
    return out


def _middle(measure: Callable[[], tuple[float, float]]) -> tuple[float, float]:
    walls, cpus = zip(*(measure() for _ in range(5)), strict=True)
    return float(np.median(walls)), float(np.median(cpus))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, help="with a journal already, or to keep the one that is made")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / JOURNAL).exists():
            make(folder, given.trials)
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "autocls", "report", str(folder)], check=True)
        command = time.perf_counter() - began
        seconds, page = parts(folder), folder / "report.html"
        trials = len(read(folder).trials)
        megabytes, milliseconds = sizes(page.read_text(encoding="utf-8")), browse(page)
    table = Table("part", "measured", "at most", title=f"The report of {trials:,} trials of the full space")
    table.add_row("`autocls report`, wall", f"{command:.1f} s", f"{MOST_SECONDS} s")
    for name, value in seconds.items():
        table.add_row(f"{name}, CPU", f"{value:.2f} s", "")
    for name, value in megabytes.items():
        table.add_row(name, f"{value:.2f} MB", f"{MOST_MEGABYTES} MB" if name == "the page" else "")
    for name, (wall, cpu) in milliseconds.items():
        most = f"{MOST_UNSEEN} ms" if "seen" in name else "" if name.startswith("open") else f"{MOST_MILLISECONDS} ms"
        busy = "" if math.isnan(cpu) else f", CPU {cpu:.0f} ms"
        table.add_row(f"`{name}`", f"{wall:.0f} ms{busy}", most)
    figures = {"command": command, "seconds": seconds, "megabytes": megabytes, "milliseconds": milliseconds}
    write("report", table, {"machine": machine(), "trials": trials, **figures})


if __name__ == "__main__":
    main()
