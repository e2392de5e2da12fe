"""Identities name what a measure means, fingerprints what a dashboard shows; neither depends on how it is titled."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.shop import VALID, changed, read


def identity(**spec: Any) -> str:
    """Return the identity of a measure that is the valid count or sum, changed by `spec`."""
    base = {"kind": "count", "events": ["order", "refund"], "where": {"properties.total": {"gte": 100}}}
    return read(changed("measures/large", base | spec)).measures["large"].identity


def test_measures_that_mean_the_same_have_one_identity() -> None:
    same = identity()
    assert identity(title="Large orders", unit="percent") == same
    assert identity(events=["refund", "order"]) == same
    assert identity(where={"properties.total": {"gte": 100.0}}) == same
    assert identity(where={"properties.a": 1}) == identity(where={"properties.a": {"eq": 1.0}})
    assert identity(where={"properties.a": {"in": [1, "b", 2.0, 1]}}) == identity(
        where={"properties.a": {"in": ["b", 2, 1]}}
    )
    assert identity(where={"properties.a": {"gt": 1, "lt": 5}, "user_id": "x"}) == identity(
        where={"user_id": "x", "properties.a": {"lt": 5, "gt": 1}}
    )
    tops = {"kind": "top", "field": "user_id"}
    assert identity(**tops, limit=5) == identity(**tops, limit=50)
    ranks = {"kind": "percentile", "field": "properties.n"}
    assert identity(**ranks, percentile=50) == identity(**ranks, percentile=90)


def test_the_name_and_the_dashboard_of_a_measure_do_not_matter() -> None:
    renamed = changed("measures/bought", VALID["measures"]["orders"])
    assert read(renamed).measures["bought"].identity == read(VALID).measures["orders"].identity


def test_measures_of_other_meanings_have_other_identities() -> None:
    field = {"field": "properties.n"}
    every = [
        identity(),
        identity(events=["order"]),
        identity(events=["orderrefund"]),
        identity(where={}),
        identity(where={"properties.total": {"gt": 100}}),
        identity(where={"properties.total": {"gte": 101}}),
        identity(where={"properties.sum": {"gte": 100}}),
        identity(where={"properties.total": 1}),
        identity(where={"properties.total": "1"}),
        identity(where={"properties.total": True}),
        *(identity(kind=kind, **field) for kind in ("sum", "mean", "min", "max", "unique", "top", "last")),
        identity(kind="sum", field="properties.m"),
        identity(kind="top", missing="none", **field),
        identity(kind="top", missing="nobody", **field),
    ]
    assert len(set(every)) == len(every)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("kpis", ["revenue", "orders", "per_buyer"]),
        ("kpis", ["orders"]),
        ("measures/orders/events", ["order", "refund"]),
        ("measures/products/limit", 6),
        ("measures/median/percentile", 51),
        ("measures/per_buyer/percent", True),
        ("measures/per_buyer/of", "orders"),
        ("measures/large/where/properties.total/gte", 101),
        ("charts/by_hour/last", 25),
        ("charts/by_day/measure", "revenue"),
        ("charts/by_day", ...),
        ("tabs/products", ["latest", "products"]),
        ("tabs/sizes", ...),
        ("tabs/more", ["orders"]),
    ],
)
def test_the_fingerprint_changes_with_what_is_shown(path: str, value: Any) -> None:
    assert read(changed(path, value)).fingerprint != read(VALID).fingerprint


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("title", "The shop"),
        ("measures/orders/title", "All orders"),
        ("measures/revenue/unit", "bytes"),
        ("charts/by_day/title", "Every day"),
        ("measures/large/where/properties.total/gte", 100.0),
    ],
)
def test_the_fingerprint_does_not_change_with_titles(path: str, value: Any) -> None:
    assert read(changed(path, value)).fingerprint == read(VALID).fingerprint
