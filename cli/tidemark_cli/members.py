"""The members of a district: the workspaces whose hours it reads together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tidemark.domain.hourly import MAX_MEMBERS
from tidemark.services.ports import Workspace
from tidemark_cli.admin import Admin
from tidemark_cli.errors import UsageError


def names_in(text: str) -> list[str]:
    """Return the names in a list that is separated by commas, each once."""
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def find_members(admin: Admin, district: str, names: Sequence[str]) -> list[Workspace]:
    """Return the settings of workspaces that are to be members.

    Raises `CliError` for one that does not exist, and `UsageError` for one that cannot be a member.
    """
    if len(names) > MAX_MEMBERS:
        raise UsageError(f"{len(names)} members", f"a district has at most {MAX_MEMBERS}")
    if district in names:
        raise UsageError("a district is no member of itself")
    members = [admin.workspace(name) for name in names]
    districts = [member.workspace for member in members if member.members]
    if districts:
        raise UsageError(f"{', '.join(districts)} has members of its own", "name these: a district has one level")
    return members


def without(dashboards: Iterable[str], members: Iterable[Workspace]) -> dict[str, list[str]]:
    """Return, by dashboard, the members that have not enabled it: the district's table leaves them out."""
    found = list(members)
    lacking = {name: [each.workspace for each in found if name not in each.dashboards] for name in dashboards}
    return {name: workspaces for name, workspaces in lacking.items() if workspaces}
