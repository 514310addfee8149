"""The errors that autocls raises on purpose."""

import difflib
from collections.abc import Iterable


class BadInput(ValueError):
    """Something the user gave can't be used: says what, where, what is allowed and what is near.

    The command line prints it on stderr and ends with exit code 2.
    """


class TrialFailed(Exception):
    """A trial can't go on, and why: its reason stands in the study and the search goes on."""


class NotApplicable(TrialFailed):
    """A trick finds nothing to do on this network: the trial says so instead of training a silent no-op."""


def unknown(what: str, name: object, known: Iterable[str]) -> str:
    """The message for a name that does not exist: ``no such choice 'mixpu'; did you mean 'mixup'? known: …``."""
    names = list(known)
    near = difflib.get_close_matches(str(name), names, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else ";"
    return f"no such {what} '{name}'{hint} known: {', '.join(names)}"
