"""The export holds what is on the screen, which is what the server has."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.board import Board
from tests.e2e.tenant import Tenant

FORMULA = '=HYPERLINK("https://evil.example")'
Rows = list[dict[str, str]]


def exported(board: Board, folder: Path) -> tuple[str, str, Rows]:
    """Export what is shown; return the file's name, its text, and its rows."""
    with board.page.expect_download() as waiting:
        board.page.get_by_test_id("export").click()
    path = folder / "export.csv"
    waiting.value.save_as(path)
    text = path.read_bytes().decode("utf-8")
    return waiting.value.suggested_filename, text, list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), "")))


def cells(rows: Rows, section: str, name: str) -> dict[str, float]:
    """The values of an entry, by key."""
    return {row["key"]: float(row["value"]) for row in rows if (row["section"], row["name"]) == (section, name)}


def test_an_export_holds_every_number_of_the_view(page: Page, site: Tenant, tmp_path: Path) -> None:
    board = Board(page, site).open().live()
    board.expect_exact()
    snapshot = site.snapshot(**board.view)
    name, text, rows = exported(board, tmp_path)
    assert name == f"tidemark-{site.name}-web-7d-{datetime.now(UTC):%Y-%m-%d}.csv"
    assert text.startswith("\ufeff")
    assert text.endswith("\r\n")
    assert not re.search(r"[^\r]\n", text)
    for kpi, value in snapshot["kpis"].items():
        assert cells(rows, "kpis", kpi) == {"": value}
    for chart, content in snapshot["charts"].items():
        points = {key: point["value"] for key, point in content["points"].items()}
        assert cells(rows, "charts", chart).items() >= points.items()
    for tab, entries in snapshot["tabs"].items():
        for entry, content in entries.items():
            assert cells(rows, f"tabs.{tab}", entry) == expected_cells(content)
    expect(page.get_by_test_id("toast")).to_be_visible()
    board.screenshot("exported")


def expected_cells(content: Any) -> dict[str, float]:
    """The cells of an entry of a tab: a measure or a list."""
    if isinstance(content, dict):
        return {key: row["value"] for key, row in content["rows"].items()}
    return {"": content}


def test_what_a_sender_made_up_is_no_formula_in_a_spreadsheet(board: Board, tenant: Tenant, tmp_path: Path) -> None:
    tenant.send([tenant.page_view(path=FORMULA), tenant.page_view(path='a,"b"\r\nc')])
    tenant.drain()
    board.open().live()
    board.expect_kpi("pageviews", 2)
    _, _, rows = exported(board, tmp_path)
    keys = set(cells(rows, "tabs.overview", "top_paths"))
    assert keys == {f"'{FORMULA}", 'a,"b"\r\nc'}
