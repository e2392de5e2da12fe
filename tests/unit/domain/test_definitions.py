"""Definitions: what holds is read as it means, and what does not is refused, with file and field and no other way."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.support.shop import VALID, changed, read
from tidemark.domain.definitions import load, shipped
from tidemark.domain.errors import DefinitionError


def test_the_dashboards_that_come_along_hold() -> None:
    assert list(shipped()) == ["classroom", "lifecycle", "meetings", "operations", "product", "web"]
    for name, dashboard in shipped().items():
        assert dashboard.name == name
        assert dashboard.kpis
        assert dashboard.tabs


def test_a_definition_is_read_as_it_stands() -> None:
    shop = read(VALID)
    assert shop.kpis == ("orders", "revenue", "per_buyer")
    assert [(series.name, series.grain, series.last) for series in shop.charts] == [
        ("by_day", "day", 0),
        ("by_hour", "hour", 24),
    ]
    assert shop.trailing_hours == 24
    assert shop.tabs == {"products": ("products", "latest"), "sizes": ("large", "median")}
    assert [measure.name for measure in shop.folded()] == [name for name in VALID["measures"] if name != "per_buyer"]
    assert shop.measures["products"].options == {"limit": 5}
    assert shop.measures["orders"].title == "Orders"
    assert shop.as_dict()["kpis"][1] == {"name": "revenue", "title": "Revenue", "unit": "count"}
    assert shop.as_dict()["tabs"][0]["entries"][0]["kind"] == "top"


def test_a_client_is_told_how_to_show_a_measure_and_nothing_that_is_not_declared() -> None:
    hints = {"about": "What was paid.", "better": "higher", "decimals": 2, "unit": "seconds"}
    definition = changed("measures/revenue", VALID["measures"]["revenue"] | hints)
    definition["charts"]["by_day"] = {"measure": "revenue", "grain": "day", "title": "By day"}
    definition["measures"]["per_buyer"] |= {"better": "lower"}
    shop = read(definition).as_dict()
    assert shop["kpis"] == [
        {"name": "orders", "title": "Orders", "unit": "count"},
        {"name": "revenue", "title": "Revenue", **hints},
        {"name": "per_buyer", "title": "Per buyer", "unit": "count", "better": "lower"},
    ]
    assert shop["charts"][0] == {"name": "by_day", "title": "By day", **hints, "grain": "day", "measure": "revenue"}


def test_how_a_measure_is_shown_changes_neither_its_state_nor_the_snapshots() -> None:
    plain, shown = (
        read(changed("measures/orders", {"kind": "count", "events": ["order"], **hints}))
        for hints in ({}, {"about": "All of them.", "better": "higher", "decimals": 0, "unit": "bytes"})
    )
    assert plain.fingerprint == shown.fingerprint
    assert plain.measures["orders"].identity == shown.measures["orders"].identity


@pytest.mark.parametrize(
    ("path", "value", "share_of"),
    [
        ("name", "shop", "orders"),
        ("kpis", ["revenue"], None),
        ("measures/products/events", ["order", "refund"], None),
        ("measures/products/where", {"properties.total": {"gte": 100}}, "large"),
    ],
)
def test_a_top_list_names_the_shown_count_of_all_its_events(path: str, value: Any, share_of: str | None) -> None:
    entry = read(changed(path, value)).as_dict()["tabs"][0]["entries"][0]
    assert entry.get("share_of") == share_of


BROKEN: list[tuple[str, Any, str]] = [
    ("name", ..., "name"),
    ("name", "Shop", "name"),
    ("name", 7, "name"),
    ("name", "x" * 65, "name"),
    ("title", "", "title"),
    ("title", ["Shop"], "title"),
    ("colour", "red", "colour"),
    ("measures", ..., "measures"),
    ("measures", [], "measures"),
    ("measures", {1: {"kind": "count"}}, "measures"),
    ("measures/Orders", {"kind": "count", "events": ["order"]}, "measures"),
    ("measures/orders", "count", "measures.orders"),
    ("measures/orders/kind", ..., "measures.orders.kind"),
    ("measures/orders/kind", "counter", "measures.orders.kind"),
    ("measures/orders/kind", ["count"], "measures.orders.kind"),
    ("measures/orders/kind", {"count": 1}, "measures.orders.kind"),
    ("measures/orders/events", ..., "measures.orders.events"),
    ("measures/orders/events", [], "measures.orders.events"),
    ("measures/orders/events", "order", "measures.orders.events"),
    ("measures/orders/events", ["order", 7], "measures.orders.events"),
    ("measures/orders/events", ["order", ""], "measures.orders.events"),
    ("measures/orders/events", ["order", "order"], "measures.orders.events"),
    ("measures/orders/field", "user_id", "measures.orders.field"),
    ("measures/orders/missing", "none", "measures.orders.missing"),
    ("measures/orders/unit", "euros", "measures.orders.unit"),
    ("measures/orders/unit", [], "measures.orders.unit"),
    ("measures/orders/about", "", "measures.orders.about"),
    ("measures/orders/about", 7, "measures.orders.about"),
    ("measures/orders/better", "up", "measures.orders.better"),
    ("measures/orders/better", True, "measures.orders.better"),
    ("measures/orders/decimals", -1, "measures.orders.decimals"),
    ("measures/orders/decimals", 7, "measures.orders.decimals"),
    ("measures/orders/decimals", 1.5, "measures.orders.decimals"),
    ("measures/per_buyer/better", "more", "measures.per_buyer.better"),
    ("measures/orders/colour", "red", "measures.orders.colour"),
    ("measures/orders/limit", 5, "measures.orders.limit"),
    ("measures/orders/percentile", 5, "measures.orders.percentile"),
    ("measures/revenue/field", ..., "measures.revenue.field"),
    ("measures/revenue/field", "total", "measures.revenue.field"),
    ("measures/revenue/field", "properties", "measures.revenue.field"),
    ("measures/revenue/field", "properties.", "measures.revenue.field"),
    ("measures/revenue/field", "properties..total", "measures.revenue.field"),
    ("measures/revenue/field", "event_id", "measures.revenue.field"),
    ("measures/revenue/field", None, "measures.revenue.field"),
    ("measures/revenue/missing", "0", "measures.revenue.missing"),
    ("measures/products/missing", "", "measures.products.missing"),
    ("measures/products/missing", 0, "measures.products.missing"),
    ("measures/products/limit", 0, "measures.products.limit"),
    ("measures/products/limit", 101, "measures.products.limit"),
    ("measures/products/limit", True, "measures.products.limit"),
    ("measures/products/limit", 5.0, "measures.products.limit"),
    ("measures/median/percentile", ..., "measures.median.percentile"),
    ("measures/median/percentile", 0, "measures.median.percentile"),
    ("measures/median/percentile", 100, "measures.median.percentile"),
    ("measures/median/percentile", 99.9, "measures.median.percentile"),
    ("measures/median/percentile", "50", "measures.median.percentile"),
    ("measures/large/where", None, "measures.large.where"),
    ("measures/large/where", ["properties.total"], "measures.large.where"),
    ("measures/large/where", {"total": 5}, "measures.large.where.total"),
    ("measures/large/where/properties.total", {}, "measures.large.where.properties.total"),
    ("measures/large/where/properties.total", None, "measures.large.where.properties.total.eq"),
    ("measures/large/where/properties.total", [100], "measures.large.where.properties.total.eq"),
    ("measures/large/where/properties.total", {"above": 5}, "measures.large.where.properties.total.above"),
    ("measures/large/where/properties.total", {"gte": "100"}, "measures.large.where.properties.total.gte"),
    ("measures/large/where/properties.total", {"gt": True}, "measures.large.where.properties.total.gt"),
    ("measures/large/where/properties.total", {"lt": float("nan")}, "measures.large.where.properties.total.lt"),
    ("measures/large/where/properties.total", {"lte": float("inf")}, "measures.large.where.properties.total.lte"),
    ("measures/large/where/properties.total", {"lte": 2**53}, "measures.large.where.properties.total.lte"),
    ("measures/large/where/properties.total", {"in": 100}, "measures.large.where.properties.total.in"),
    ("measures/large/where/properties.total", {"in": []}, "measures.large.where.properties.total.in"),
    ("measures/large/where/properties.total", {"in": [[100]]}, "measures.large.where.properties.total.in"),
    ("measures/large/where/properties.total", {"in": [1, None]}, "measures.large.where.properties.total.in"),
    ("measures/large/where/properties.total", {"exists": 1}, "measures.large.where.properties.total.exists"),
    ("measures/large/where/properties.total", {"ne": {"a": 1}}, "measures.large.where.properties.total.ne"),
    ("measures/per_buyer/of", ..., "measures.per_buyer.of"),
    ("measures/per_buyer/of", "profit", "measures.per_buyer.of"),
    ("measures/per_buyer/of", "per_buyer", "measures.per_buyer.of"),
    ("measures/per_buyer/over", "products", "measures.per_buyer.over"),
    ("measures/per_buyer/over", "latest", "measures.per_buyer.over"),
    ("measures/per_buyer/over", 5, "measures.per_buyer.over"),
    ("measures/per_buyer/percent", "yes please", "measures.per_buyer.percent"),
    ("measures/per_buyer/events", ["order"], "measures.per_buyer.events"),
    ("kpis", ..., "kpis"),
    ("kpis", [], "kpis"),
    ("kpis", {"orders": 1}, "kpis"),
    ("kpis", ["orders", "profit"], "kpis"),
    ("kpis", ["orders", "orders"], "kpis"),
    ("kpis", ["products"], "kpis"),
    ("kpis", ["latest"], "kpis"),
    ("charts", None, "charts"),
    ("charts", ["by_day"], "charts"),
    ("charts/by_day", "orders", "charts.by_day"),
    ("charts/By day", {"measure": "orders", "grain": "day"}, "charts.By day"),
    ("charts/by_day/measure", ..., "charts.by_day.measure"),
    ("charts/by_day/measure", "profit", "charts.by_day.measure"),
    ("charts/by_day/measure", "products", "charts.by_day.measure"),
    ("charts/by_day/measure", "latest", "charts.by_day.measure"),
    ("charts/by_day/grain", ..., "charts.by_day.grain"),
    ("charts/by_day/grain", "week", "charts.by_day.grain"),
    ("charts/by_day/last", 24, "charts.by_day.last"),
    ("charts/by_day/title", "", "charts.by_day.title"),
    ("charts/by_day/colour", "red", "charts.by_day.colour"),
    ("charts/by_hour/last", ..., "charts.by_hour.last"),
    ("charts/by_hour/last", 0, "charts.by_hour.last"),
    ("charts/by_hour/last", 169, "charts.by_hour.last"),
    ("charts/by_hour/last", "24", "charts.by_hour.last"),
    ("tabs", [], "tabs"),
    ("tabs/products", [], "tabs.products"),
    ("tabs/products", ["profit"], "tabs.products"),
    ("tabs/products", ["orders", "orders"], "tabs.products"),
    ("tabs/products", "orders", "tabs.products"),
    ("tabs/All products", ["orders"], "tabs"),
]


@pytest.mark.parametrize(("path", "value", "field"), BROKEN)
def test_what_does_not_hold_is_refused_with_file_and_field(path: str, value: Any, field: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        read(changed(path, value))
    assert caught.value.field == field
    assert caught.value.message.startswith(f"shop.yaml: {field}: ")
    assert caught.value.code == "invalid_definition"


def test_a_ratio_of_a_ratio_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"^shop\.yaml: measures\.twice\.of: cannot divide a ratio: 'per_buyer'$"):
        read(changed("measures/twice", {"kind": "ratio", "of": "per_buyer", "over": "orders"}))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "shop",
        "7",
        "null",
        "2026-11-22",
        "2026-13-45",
        "name: [",
        "name: 'shop",
        "name: shop\n\tkpis: []",
        "name: shop\n---\nname: shop",
        "name: *shop",
        "name: !!python/object:os.system {}",
        "name: !!bool maybe",
        "name: !!int seven",
        "name: !!timestamp never",
        "name: !!binary '*'",
        "name: 0b",
        "? [a]\n: 1",
        "? {a: 1}\n: 1",
        "&a [*a]",
        "name: &a {b: *a}",
        "[" * 10_000,
        "{a: " * 10_000,
        "name: \x00",
        "1: 2",
        "%YAML 9.9\n---\nname: shop",
    ],
)
def test_what_is_no_mapping_or_no_yaml_is_refused_with_the_file(text: str) -> None:
    with pytest.raises(DefinitionError, match=r"^shop\.yaml: "):
        load(text, "shop.yaml")


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("name: shop\nname: shop", "name"),
        ("measures:\n  orders: {kind: count}\n  orders: {kind: count}", "measures.orders"),
        ("measures:\n  orders: {kind: count, events: [a], events: [b]}", "measures.orders.events"),
        ("tabs: [{a: {b: 1, b: 2}}]", "tabs.a.b"),
    ],
)
def test_a_name_that_stands_twice_is_refused(text: str, field: str) -> None:
    with pytest.raises(DefinitionError, match="stands twice") as caught:
        load(text, "shop.yaml")
    assert caught.value.field == field


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates() | st.binary()
words = st.sampled_from(
    [
        *VALID,
        *VALID["measures"],
        "kind",
        "events",
        "field",
        "where",
        "count",
        "top",
        "ratio",
        "properties.a",
        "in",
        "of",
    ]
)
anything = st.recursive(
    scalars | words,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(words | st.text(max_size=4), inner, max_size=5)
        | st.dictionaries(st.integers() | st.booleans() | st.none() | st.dates(), inner, max_size=3)
    ),
    max_leaves=15,
)
places = [
    "/".join(path)
    for path in (
        *((key,) for key in VALID),
        *(("measures", name) for name in VALID["measures"]),
        *(("measures", name, key) for name, spec in VALID["measures"].items() for key in spec),
        *(("charts", name, key) for name, spec in VALID["charts"].items() for key in spec),
        ("measures", "large", "where", "properties.total"),
        ("measures", "large", "where", "properties.total", "gte"),
    )
]


@given(anything)
def test_whatever_the_yaml_says_is_a_dashboard_or_a_definition_error(found: Any) -> None:
    assert_read_or_refused(yaml.safe_dump(found))


@given(st.sampled_from(places), anything)
def test_whatever_stands_in_a_place_is_read_or_refused(place: str, found: Any) -> None:
    assert_read_or_refused(yaml.safe_dump(changed(place, found), sort_keys=False))


@given(st.text(max_size=60) | st.text("{}[]:,-?&*!|>%'\" \nab1", max_size=60))
def test_whatever_the_text_is_it_is_read_or_refused(text: str) -> None:
    assert_read_or_refused(text)


def assert_read_or_refused(text: str) -> None:
    with suppress(DefinitionError):
        dashboard = load(text, "any.yaml")
        assert dashboard.fingerprint
        assert all(measure.identity for measure in dashboard.folded())
        assert dashboard.as_dict()["name"] == dashboard.name
