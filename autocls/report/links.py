"""Links from one part of the page to another."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from autocls.verdict.wording import name_of


def card_id(slot: str, name: str) -> str:
    """Where on the page the card of a slot's choice is: letters, digits and dashes, whatever the names hold."""
    return "card-" + re.sub(r"[^A-Za-z0-9_]+", "-", f"{slot}-{name}")


def card_of(cards: Iterable[Mapping[str, Any]], slot: str, choice: str) -> str | None:
    """Where the card of a choice such as ``mixup(alpha=0.2)`` is; None when there is none of it."""
    name = name_of(choice)
    return next((card_id(slot, name) for card in cards if (card["slot"], card["name"]) == (slot, name)), None)
