"""What all benchmarks share: the machine they ran on, a spread of figures, and where the results are written."""

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Self

import psutil
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("torch", "torchvision", "optuna", "ray", "timm", "numpy")


@dataclass(frozen=True)
class Spread:
    """The middle and the ends of some figures; one that was never reached (None) counts as infinite."""

    median: float
    min: float
    max: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float | None]) -> Self:
        """The spread of ``values``, of which there is at least one."""
        known = sorted(float("inf") if value is None else value for value in values)
        return cls(statistics.median(known), known[0], known[-1], len(known))

    def written(self, form: str = "g") -> str:
        """``median (min–max)``, each number in a format such as ``.1f`` or ``.2%``; infinite ones as ``never``."""
        middle, low, high = (
            "never" if value == float("inf") else format(value, form) for value in (self.median, self.min, self.max)
        )
        return middle if self.n == 1 else f"{middle} ({low}–{high})"


def machine() -> dict[str, Any]:
    """What the figures depend on besides the code: processor, memory, versions, date and commit."""
    return {
        "cpu": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _git("rev-parse", "--short", "HEAD") + ("+" if _git("status", "--porcelain", "-uno") else ""),
    }


def write(name: str, table: Table, data: Any, folder: Path = RESULTS) -> None:
    """Print the table, and write it as ``name.md`` and ``data`` as ``name.json`` into the results' folder."""
    Console(width=None if Console().is_terminal else 160).print(table)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.md").write_text(markdown(table), encoding="utf-8")
    text = json.dumps(finite(data), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def markdown(table: Table) -> str:
    """A rich table of plain texts as Markdown: title, table, caption."""
    header = [str(column.header) for column in table.columns]
    rows = zip(*([str(cell) for cell in column.cells] for column in table.columns), strict=True)
    lines = [header, ["---"] * len(header), *rows]
    body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return "\n\n".join(str(part) for part in (table.title, body, table.caption) if part) + "\n"


def finite(data: Any) -> Any:
    """``data`` as JSON can hold it: dataclasses as mappings, and what is infinite or no number as null."""
    if hasattr(data, "__dataclass_fields__"):
        return finite({name: getattr(data, name) for name in data.__dataclass_fields__})
    if isinstance(data, dict):
        return {str(key): finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [finite(value) for value in data]
    if isinstance(data, float) and (data != data or data in (float("inf"), float("-inf"))):
        return None
    return data


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git(*arguments: str) -> str:
    asked = subprocess.run(["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True)
    return asked.stdout.strip()
