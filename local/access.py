"""The workspaces of a local run and the credentials for them, made with what the operator's CLI is made of."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from local.deploy import REGION, STACK
from local.outputs import Outputs
from tidemark.domain.credentials import TokenRole, hash_write_key, issue_token
from tidemark.domain.operations import operations_workspace
from tidemark.domain.workspace import OPERATIONS
from tidemark_cli import signing
from tidemark_cli.admin import Admin
from tidemark_cli.stack import Stack
from tidemark_cli.workspaces import new_workspace

WORKSPACE = "demo"
DASHBOARDS = ("web", "meetings", "lifecycle")
RETENTION_DAYS = 90
TOKEN_LIFETIME = timedelta(days=90)


def grant_access(
    endpoint_url: str,
    stack_outputs: dict[str, str],
    now: datetime,
    earlier: Outputs | None = None,
) -> Outputs:
    """Make the workspaces unless they exist, and credentials for them; an `earlier` write key stays if it works."""
    stack = Stack(name=STACK, region=REGION, endpoint_url=endpoint_url, urls=stack_outputs)
    admin = Admin(stack.dynamodb, stack.directory_table)
    settings = new_workspace(
        WORKSPACE,
        name="Demo",
        timezone="UTC",
        dashboards=DASHBOARDS,
        retention_days=RETENTION_DAYS,
        now=now,
        analysed_from=now.date().isoformat(),  # not the two months that are seeded (local/seed.py)
    )
    admin.create_workspace(settings)
    admin.create_workspace(operations_workspace(now))
    if signing.read_signing_keys(stack.secretsmanager, stack.token_secret_arn) is None:
        signing.rotate(stack.secretsmanager, stack.token_secret_arn, now)
    keys = signing.require_signing_keys(stack.secretsmanager, stack.token_secret_arn)

    def token(role: TokenRole, workspace: str = WORKSPACE) -> str:
        secret = keys.keys[keys.current]
        return issue_token(workspace, role, kid=keys.current, secret=secret, issued_at=now, lifetime=TOKEN_LIFETIME)

    outputs = Outputs(
        http_url=stack.http_url,
        websocket_url=stack.websocket_url,
        dashboard_url="",
        workspace=WORKSPACE,
        write_key=working_key(admin, earlier) or admin.create_key(WORKSPACE, "local run", now)[1],
        read_token=token("read"),
        admin_token=token("admin"),
        operator_token=token("admin", OPERATIONS),
        endpoint_url=endpoint_url,
        stack=STACK,
        region=REGION,
    )
    return replace(
        outputs,
        dashboard_url=dashboard_url(stack_outputs["DashboardUrl"], outputs),
        admin_url=f"{outputs.http_url}/admin#{urlencode({'token': outputs.operator_token})}",
    )


def working_key(admin: Admin, earlier: Outputs | None) -> str | None:
    """Return the write key of an earlier run if this stack still knows it."""
    if earlier is None:
        return None
    wanted = hash_write_key(earlier.write_key)
    known = any(key.hash == wanted and key.revoked_at is None for key in admin.keys(WORKSPACE))
    return earlier.write_key if known else None


def dashboard_url(page: str, outputs: Outputs) -> str:
    """Return the page's URL with the way in; a fragment is never sent to a server."""
    return f"{page}?{urlencode({'dashboard': 'web', 'days': 30})}#{urlencode({'token': outputs.read_token})}"
