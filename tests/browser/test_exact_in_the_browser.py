"""The page's pure modules, run in the browser against Python: canonical JSON, checksums, merge patches."""

from __future__ import annotations

import json
from typing import Any

import pytest
import rfc8785
from playwright.sync_api import Page

from tests.browser.fake_tidemark import FakeTidemark, checksum

VALUES: list[Any] = [
    {},
    [],
    {"b": 1, "a": {"d": [1, "x", True, False, None], "c": {}}},
    {"numbers": [0, -0.0, 1.0, 4.5, 1e21, 1e-7, 333333333.33333329, 5e-324, 0.1 + 0.2, 2**53 - 1, -(2**53 - 1)]},
    {"\u20ac": "Euro", "\r": "CR", "\ufb33": "Hebrew", "1": "One", "\u0080": "C", "\u00f6": "o", "\U0001f600": "smile"},
    {"10": 1, "9": 2, "a": 3, "A": 4, "__proto__": {"x": 1}, "constructor": 5, "": 6},
    {"text": 'quote " backslash \\ slash / tab \t \b \f \n nul \x00 \x1f del \x7f \u2028 \u2029 <script>'},
    {"rows": {f"/path/{n}?q=\u00e4&p=%20": {"order": n, "value": n / 7} for n in range(50)}},
]

PATCHES: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": 1}, {"a": {"b": {"c": None}}}, {"a": {"b": {}}}),
    ({"e": 1}, {"a": {"bb": {"ccc": None}}}, {"e": 1, "a": {"bb": {}}}),
    ({"a": 1}, ["x"], ["x"]),
    ({"a": 1}, {"__proto__": {"y": 2}}, {"a": 1, "__proto__": {"y": 2}}),
    ({"__proto__": {"x": 1}}, {"__proto__": {"y": 2}}, {"__proto__": {"x": 1, "y": 2}}),
]


@pytest.fixture
def modules(page: Page, fake: FakeTidemark) -> Page:
    """A page from which the modules can be imported."""
    page.goto(f"{fake.base}/dashboard")
    return page


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_canonical_json_and_checksum_equal_the_servers(modules: Page, fake: FakeTidemark, value: Any) -> None:
    text, digest = modules.evaluate(
        """async (text) => {
            const { canonical, checksum } = await import("./dashboard/checksum.js");
            return [canonical(JSON.parse(text)), await checksum(JSON.parse(text))];
        }""",
        json.dumps(value),
    )
    assert text == rfc8785.dumps(value).decode()
    assert digest == checksum(value)


@pytest.mark.parametrize(("target", "patch", "merged"), PATCHES, ids=range(len(PATCHES)))
def test_merge_patch_follows_rfc_7396_and_leaves_its_target_alone(
    modules: Page, target: Any, patch: Any, merged: Any
) -> None:
    result, kept = modules.evaluate(
        """async ([target, patch]) => {
            const { mergePatch } = await import("./dashboard/state.js");
            const old = JSON.parse(target);
            return [JSON.stringify(mergePatch(old, JSON.parse(patch))), JSON.stringify(old)];
        }""",
        [json.dumps(target), json.dumps(patch)],
    )
    assert json.loads(result) == merged
    assert json.loads(kept) == target


@pytest.mark.parametrize(
    ("epoch", "base", "seq", "verdict"),
    [
        ("e1", 17, 18, "applied"),
        ("e1", 17, 20, "applied"),
        ("e1", 16, 17, "known"),
        ("e1", 3, 4, "known"),
        ("e1", 18, 19, "missed"),
        ("e1", 16, 18, "missed"),
        ("e2", 17, 18, "missed"),
        ("e2", 3, 4, "missed"),
    ],
)
def test_a_delta_applies_only_on_its_base(modules: Page, epoch: str, base: int, seq: int, verdict: str) -> None:
    found = modules.evaluate(
        """async (delta) => {
            const { applyDelta } = await import("./dashboard/state.js");
            const state = { epoch: "e1", seq: 17, sections: { kpis: { a: 1 } }, checksums: {} };
            const next = applyDelta(state, delta);
            if (next === null || next === state) return next ? "known" : "missed";
            const values = [next.seq, next.sections.kpis.a, state.sections.kpis.a];
            return String(values) === String([delta.seq, 2, 1]) ? "applied" : "wrong";
        }""",
        {"epoch": epoch, "base": base, "seq": seq, "patch": {"kpis": {"a": 2}}, "checksums": {}},
    )
    assert found == verdict
