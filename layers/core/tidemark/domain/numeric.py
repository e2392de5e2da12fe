"""Numbers that fold in any order.

Sums are kept as whole micro-units (10^-6), each value rounded to one when it is folded: integer sums are exact, so
adding is associative, which floating point is not.
"""

from __future__ import annotations

from collections.abc import Iterable

LARGEST = 2**53 - 1
"""The largest integer that every reader of JSON keeps (RFC 8259, section 6); larger results are shown as this."""

MICRO = 10**6
DECIMALS = 4
"""Digits after the point of means, ratios and percentiles."""


def to_micro(values: list[int] | list[float]) -> int:
    """Return the sum of `values` in micro-units, each rounded to one."""
    if set(map(type, values)) <= {int}:
        return int(sum(values)) * MICRO
    # Whole parts apart: a large number times 10^6 would not be exact, and 1e10 has to count as much as 10000000000.
    whole = list(map(int, values))
    return sum(whole) * MICRO + sum(round((value - part) * MICRO) for value, part in zip(values, whole, strict=True))


def from_micro(micro: int) -> int | float:
    """Return a sum in micro-units as a number, whole where it is."""
    whole, rest = divmod(micro, MICRO)
    return bounded(whole if rest == 0 else micro / MICRO)


def canonical(value: int | float) -> int | float:
    """Return the one form of a number: whole numbers as integers, so that 1, 1.0 and also 0 and -0.0 are the same."""
    return int(value) if value == int(value) else value


def quotient(numerator: int | float, denominator: int | float) -> int | float:
    """Return the rounded quotient, 0 for an empty denominator."""
    return bounded(rounded(numerator / denominator)) if denominator else 0


def rounded(value: float) -> int | float:
    """Return `value` with `DECIMALS` digits, as an integer where it is one."""
    return canonical(round(value, DECIMALS))


def bounded(value: int | float) -> int | float:
    """Return `value` within ± `LARGEST`."""
    return max(-LARGEST, min(LARGEST, value))


def numeric(column: Iterable[object]) -> list[float]:
    """Return the numbers of a column; what is missing or no number is left out, as are booleans."""
    return [value for value in column if type(value) is int or type(value) is float]
