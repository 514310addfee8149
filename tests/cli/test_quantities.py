"""Durations and amounts as they are typed."""

import pytest

from autocls.cli.quantities import amount, seconds
from autocls.errors import BadInput


@pytest.mark.parametrize(
    "text, expected",
    [("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("1.5h", 5400), ("3ms", 0.003), (" 2 M ", 120)],
)
def test_durations(text: str, expected: float) -> None:
    assert seconds(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "ten", "10x", "10m!", "m", "-5", "5 5 x"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(BadInput, match=f"--max-latency: '{text}' is no duration"):
        seconds(text, "--max-latency")


@pytest.mark.parametrize(
    "text, expected", [("5M", 5_000_000), ("200k", 200_000), ("61,706", 61_706), ("1.5b", 15 * 10**8)]
)
def test_amounts(text: str, expected: int) -> None:
    assert amount(text, "--max-params") == expected


@pytest.mark.parametrize("text", ["", "5MB", "k", "-1", "5 million"])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(BadInput, match="is no amount; write 200k or 5M"):
        amount(text, "--max-params")
