"""`tidemark workspace set`: the settings of a workspace that exists, against DynamoDB (moto)."""

from __future__ import annotations

import pytest

from tests.cli_stack import deploy, run
from tidemark.aws.directory import DynamoDirectory
from tidemark.services.ports import Workspace
from tidemark_cli.admin import Admin
from tidemark_cli.stack import Stack


@pytest.fixture(autouse=True)
def stack(aws: None, monkeypatch: pytest.MonkeyPatch) -> Stack:
    deployed = deploy(monkeypatch)
    run("workspace", "create", "acme", "--timezone", "Europe/Berlin", "--dashboards", "web", "--title", "Acme")
    run("workspace", "shards", "acme", "4")
    return deployed


def settings(stack: Stack) -> Workspace:
    found = DynamoDirectory(stack.directory_table, 90).workspace("acme")
    assert found is not None
    return found


def test_what_is_named_changes_and_the_rest_stays(stack: Stack) -> None:
    before = settings(stack)
    given = ("--title", "Acme Ltd", "--retention-days", "7", "--recovery-hours", "48")
    shown = run("workspace", "set", "acme", *given).stdout
    assert "workspace acme (Europe/Berlin; web; 7 days), seen everywhere within 60 s" in shown
    assert "what is stored keeps the end that it was given" in shown
    after = settings(stack)
    assert (after.name, after.retention_days, after.recovery_hours) == ("Acme Ltd", 7, 48)
    assert (after.timezone, after.dashboards, after.shards, after.created_at) == (
        before.timezone,
        before.dashboards,
        before.shards,
        before.created_at,
    )


def test_batches_have_a_size_and_an_age_and_may_be_off(stack: Stack) -> None:
    given = settings(stack)
    assert (given.batch_events, given.batch_seconds, given.is_analysed) == (100, 600, True)
    run("workspace", "set", "acme", "--batch-events", "50", "--batch-seconds", "60")
    assert "50 events or 60 s" in run("workspace", "show", "acme").stdout
    run("workspace", "set", "acme", "--batch-events", "0")
    off = settings(stack)
    assert (off.batch_events, off.batch_seconds, off.is_analysed) == (0, 60, False)
    assert "off" in run("workspace", "show", "acme").stdout
    run("workspace", "set", "acme", "--batch-events", "100", "--batch-seconds", "600")
    assert settings(stack) == given


def test_analysis_may_begin_with_a_day(stack: Stack) -> None:
    given = settings(stack)
    run("workspace", "set", "acme", "--analysed-from", "2026-11-22")
    assert settings(stack).analysed_from == "2026-11-22"
    assert "100 events or 600 s, of days from 2026-11-22 on" in run("workspace", "show", "acme").stdout
    run("workspace", "set", "acme", "--analysed-from", "")
    assert settings(stack) == given


def test_a_dashboard_that_is_enabled_has_no_history_yet_which_is_told(stack: Stack) -> None:
    shown = run("workspace", "set", "acme", "--add-dashboards", "classroom, product").stdout
    assert settings(stack).dashboards == ("web", "classroom", "product")
    assert "classroom, product: history is built by the run after somebody asks for it; or, in a minute:" in shown
    assert "next: tidemark backfill acme --last 30d" in shown
    shown = run("workspace", "set", "acme", "--add-dashboards", "meetings", "--remove-dashboards", "web,product").stdout
    assert settings(stack).dashboards == ("classroom", "meetings")
    assert "web, product: its history stays" in shown


def test_nothing_new_changes_nothing(stack: Stack) -> None:
    before = settings(stack)
    assert "nothing to change" in run("workspace", "set", "acme", "--add-dashboards", "web", "--title", "Acme").stdout
    assert "nothing to change" in run("workspace", "set", "acme").stdout
    assert settings(stack) == before


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--timezone", "Nowhere/Land"], "is not a timezone"),
        (["--history-days", "30"], "30 days of history"),
        (["--history-days", "-1"], "-1 days of history"),
        (["--history-days", "40", "--retention-days", "41"], "40 days of history"),
        (["--recovery-hours", "0"], "0 hours of recovery"),
        (["--recovery-hours", "169"], "169 hours of recovery"),
        (["--batch-events", "9"], "9 events a batch"),
        (["--batch-events", "1001"], "1001 events a batch"),
        (["--batch-seconds", "9"], "9 seconds for a batch"),
        (["--analysed-from", "20261122"], "'20261122' is not a day"),
        (["--analysed-from", "2026-02-30"], "'2026-02-30' is not a day"),
        (["--batch-seconds", "86401"], "86401 seconds for a batch"),
        (["--add-dashboards", "nope"], "no dashboard nope"),
        (["--remove-dashboards", "meetings"], "dashboard meetings cannot be removed"),
        (["--add-dashboards", "web", "--remove-dashboards", "web"], "dashboard web cannot be removed"),
        (["--remove-dashboards", "web"], "no dashboard given"),
        (["--retention-days", "0"], "0 days of retention"),
        (["--retention-days", "4000"], "4000 days of retention"),
    ],
)
def test_settings_that_cannot_be_are_refused(stack: Stack, args: list[str], told: str) -> None:
    before = settings(stack)
    assert told in run("workspace", "set", "acme", *args, fails=2).stderr
    assert settings(stack) == before


def test_a_workspace_that_is_not_there_is_told_and_not_made() -> None:
    assert "there is no workspace nope" in run("workspace", "set", "nope", "--title", "x", fails=1).stderr
    assert "nope" not in run("workspace", "list").stdout


def test_of_two_who_change_at_once_one_is_told(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Admin.set_settings

    def meanwhile(admin: Admin, before: Workspace, changed: Workspace) -> None:
        monkeypatch.setattr(Admin, "set_settings", real)
        run("workspace", "set", "acme", "--retention-days", "9")
        real(admin, before, changed)

    monkeypatch.setattr(Admin, "set_settings", meanwhile)
    result = run("workspace", "set", "acme", "--add-dashboards", "meetings", fails=1)
    assert "someone else changed the settings at the same time" in result.stderr
    assert (settings(stack).retention_days, settings(stack).dashboards) == (9, ("web",))
