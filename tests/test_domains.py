from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autocls.domains import Domain, Int, Log, OneOf, Uniform, is_domain, number, parse_domain

ENDS = st.tuples(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6)).map(sorted).filter(lambda ends: ends[0] < ends[1])
WHOLE_ENDS = st.tuples(st.integers(-1000, 1000), st.integers(1, 1000)).map(lambda e: (e[0], e[0] + e[1]))
DOMAINS = st.one_of(
    ENDS.map(lambda ends: Uniform(*ends)),
    ENDS.map(lambda ends: Log(*ends)),
    WHOLE_ENDS.map(lambda ends: Int(*ends)),
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5, unique=True).map(lambda values: OneOf(*values)),
)


@given(DOMAINS)
def test_a_domain_is_read_back_as_it_was_written(domain: Domain):
    assert is_domain(domain.written())
    assert parse_domain(domain.written(), int if isinstance(domain, Int) else float) == domain


@given(DOMAINS)
def test_ends_and_middle_lie_in_the_domain(domain: Domain):
    assert all(domain.contains(value) for value in (*domain.ends(), domain.middle()))


@pytest.mark.parametrize("domain", [Uniform(1, 2), Log(1, 2), Int(1, 2)])
@pytest.mark.parametrize("value", [0.9, 2.1, "1", True, float("nan")])
def test_ranges_hold_numbers_between_their_ends_only(domain: Domain, value: Any):
    assert not domain.contains(value)


def test_int_holds_whole_numbers_only():
    assert Int(1, 3).contains(2)
    assert not Int(1, 3).contains(1.5)


def test_the_middle_of_a_log_range_is_in_the_middle_of_the_logarithms():
    assert Log(1e-4, 1e-2).middle() == pytest.approx(1e-3)


@pytest.mark.parametrize(
    ("written", "kind", "message"),
    [
        ({"uniform": [2, 1]}, float, "a range [a, b] needs a < b, not [2, 1]"),
        ({"log": [0, 1]}, float, "a log range needs 0 < a, not 0"),
        ({"log": [1]}, float, "write {log: [a, b]}, not {log: [1]}"),
        ({"uniform": 3}, float, "write {uniform: [a, b]}, not {uniform: 3}"),
        ({"uniform": ["a", 1]}, float, "'a' is not a number"),
        ({"uniform": [1, 2]}, int, "this is a whole number: write {int: [1, 2]}"),
        ({"int": [1, 2.5]}, int, "2.5 is not a whole number"),
        ({"int": [0, 1]}, bool, "{int: …} is for numbers; list the values instead"),
        ([], float, "an empty list leaves nothing to choose"),
        ([1, 1.0], float, "a value stands twice in [1.0, 1.0]"),
    ],
)
def test_what_is_wrong_with_a_domain_is_said(written: Any, kind: type, message: str):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        parse_domain(written, kind)
    assert str(error.value) == message


def test_numbers_may_come_as_text():
    assert [number("1e-3"), number("12", int), number("12.0", int)] == [0.001, 12, 12]
    assert parse_domain({"log": ["1e-4", "1e-2"]}) == Log(1e-4, 1e-2)


def test_plain_values_and_choices_are_no_domains():
    assert not any(is_domain(value) for value in (3, "log", {"sgd": {}}, {"log": [1, 2], "int": [1, 2]}, None))
