"""Districts, through the command: who their members are is set by an operator, and read back by the functions."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.cli_stack import deploy, run
from tidemark.aws.directory import DynamoDirectory
from tidemark.domain.hourly import MAX_MEMBERS
from tidemark_cli.admin import Admin
from tidemark_cli.errors import CliError
from tidemark_cli.stack import Stack
from tidemark_cli.workspaces import new_workspace


@pytest.fixture(autouse=True)
def stack(aws: None, monkeypatch: pytest.MonkeyPatch) -> Stack:
    deployed = deploy(monkeypatch)
    for name in ("north", "south"):
        run("workspace", "create", name, "--dashboards", "classroom")
    return deployed


def members_of(stack: Stack, workspace: str) -> tuple[str, ...]:
    settings = DynamoDirectory(stack.directory_table, 90).workspace(workspace)
    assert settings is not None
    return settings.members


def test_a_district_is_made_with_its_members(stack: Stack) -> None:
    run("workspace", "create", "district", "--dashboards", "classroom", "--members", "north, south,north")
    assert members_of(stack, "district") == ("north", "south")
    assert "north, south" in run("workspace", "show", "district").stdout
    assert members_of(stack, "north") == ()


def test_members_come_and_go(stack: Stack) -> None:
    run("workspace", "create", "district", "--dashboards", "classroom")
    assert "has 0 members" in run("workspace", "members", "district").stdout
    assert "has 1 members: north" in run("workspace", "members", "district", "--add", "north").stdout
    run("workspace", "members", "district", "--add", "south,north")
    assert members_of(stack, "district") == ("north", "south")
    run("workspace", "members", "district", "--remove", "north")
    assert members_of(stack, "district") == ("south",)
    assert "south" in run("workspace", "members", "district").stdout
    run("workspace", "members", "district", "--remove", "south")
    assert members_of(stack, "district") == ()
    run("workspace", "members", "district", "--add", "south")
    assert members_of(stack, "district") == ("south",)


def test_a_member_without_the_districts_dashboards_is_told() -> None:
    run("workspace", "create", "west", "--dashboards", "web")
    made = run("workspace", "create", "district", "--dashboards", "classroom", "--members", "west,north")
    assert "west has no dashboard classroom" in made.stdout
    run("workspace", "create", "other", "--dashboards", "classroom")
    assert "west has no dashboard classroom" in run("workspace", "members", "other", "--add", "west").stdout


def test_what_cannot_be_a_member_is_refused_and_changes_nothing(stack: Stack) -> None:
    run("workspace", "create", "district", "--dashboards", "classroom", "--members", "north")
    run("workspace", "create", "state", "--dashboards", "classroom")
    assert "no workspace nope" in run("workspace", "members", "state", "--add", "nope", fails=1).stderr
    assert "one level" in run("workspace", "members", "state", "--add", "district", fails=2).stderr
    assert "of itself" in run("workspace", "members", "state", "--add", "state", fails=2).stderr
    assert "no member" in run("workspace", "members", "state", "--remove", "north", fails=2).stderr
    assert "no workspace nope" in run("workspace", "members", "nope", fails=1).stderr
    assert members_of(stack, "state") == ()
    for members, code in (("nope", 1), ("new", 2), ("district", 2)):
        run("workspace", "create", "new", "--members", members, fails=code)
    assert "no workspace new" in run("workspace", "show", "new", fails=1).stderr


def test_a_district_has_a_bounded_number_of_members() -> None:
    run("workspace", "create", "district", "--dashboards", "classroom")
    many = ",".join(f"w{number}" for number in range(MAX_MEMBERS + 1))
    assert str(MAX_MEMBERS) in run("workspace", "members", "district", "--add", many, fails=2).stderr


def test_two_who_change_the_members_at_once_do_not_undo_each_other(stack: Stack) -> None:
    admin = Admin(stack.dynamodb, stack.directory_table)
    admin.create_workspace(
        new_workspace("both", timezone="UTC", dashboards=["classroom"], retention_days=7, now=datetime.now(UTC))
    )
    admin.set_members("both", (), ["north"])
    for stale in ((), ("south",)):
        with pytest.raises(CliError, match="at the same time"):
            admin.set_members("both", stale, ["south"])
    assert admin.workspace("both").members == ("north",)
