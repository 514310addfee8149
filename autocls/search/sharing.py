"""What the drivers of a shared study agree on, and what each of them keeps for itself."""

import json
import time
from collections.abc import Mapping
from typing import Any

import optuna

from autocls.errors import BadInput

BEGUN_BY = "host"
"""The attribute of a study that names the driver that began it, which judges it."""
BEGUN = "began"
"""The attribute that says when, and is set when all the others are."""
SOON = 60.0
"""Seconds within which a driver that lives has said what it began."""
_AGREED = {
    "space_yaml": "space",
    "fingerprint": "set of images",
    "seed": "seed",
    "metric": "metric",
    "folds": "number of folds",
    "sampler": "sampler",
    "pruner": "pruner",
    "limits": "limits",
}
"""The attributes of a study that all its drivers share, and what a person calls them."""
_LONG = ("space_yaml", "fingerprint")
_PERSONAL = ("seconds", "stopped", "finished")
"""What each driver notes of itself."""


def own(about: Mapping[str, Any], driver: str) -> dict[str, Any]:
    """What is kept about a search, with what a driver that has joined noted in place of what the host did."""
    mine = noted_by(driver, "")
    common = {key: value for key, value in about.items() if key not in _PERSONAL}
    return {**common, **{key.removeprefix(mine): value for key, value in about.items() if key.startswith(mine)}}


def noted_by(driver: str, key: str) -> str:
    """Where a driver that has joined keeps what it notes."""
    return f"{driver}: {key}"


def must_agree(study: optuna.Study, found: Mapping[str, Any]) -> None:
    """Raises BadInput when a study is of another search than ``found`` is about, or was never wholly begun."""
    deadline = time.monotonic() + SOON
    while BEGUN not in (there := study.user_attrs):
        if time.monotonic() > deadline:
            raise BadInput(f"--storage: its study '{study.study_name}' was never begun; give another --out")
        time.sleep(0.5)
    for key, called in _AGREED.items():
        mine, its = (json.loads(json.dumps(about.get(key))) for about in (found, there))
        if mine != its:
            values = "" if key in _LONG else f", {its} and not {mine}"
            raise BadInput(
                f"--storage: its study '{study.study_name}' is of another search: it has another {called}{values}; "
                "give the same to join it, or another --out"
            )
