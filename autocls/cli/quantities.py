"""Durations and amounts as they are typed."""

import re
from collections.abc import Mapping

from autocls.errors import BadInput

_TIMES = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZES = {"k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9}


def seconds(text: str, option: str = "--time") -> float:
    """``90``, ``90s``, ``10m``, ``1h30m``, ``3ms`` as seconds, given for an option. Raises BadInput."""
    found = _sum(text, _TIMES)
    if found is None:
        raise BadInput(f"{option}: '{text}' is no duration; write 90s, 10m or 1h30m, or 3ms for a latency")
    return found


def amount(text: str, option: str) -> int:
    """``5M``, ``200k``, ``61706`` as a whole number, given for an option. Raises BadInput."""
    found = _sum(text.replace(",", ""), _SIZES)
    if found is None:
        raise BadInput(f"{option}: '{text}' is no amount; write 200k or 5M")
    return round(found)


def _sum(text: str, units: Mapping[str, float]) -> float | None:
    """The sum of numbers with units, a bare one counting as it is; None where the text says anything else."""
    text = text.strip().lower()
    part = rf"(\d+(?:\.\d+)?)\s*({'|'.join(units)})?"
    if not re.fullmatch(f"(?:{part})+", text):
        return None
    return sum(float(number) * units.get(unit, 1.0) for number, unit in re.findall(part, text))
