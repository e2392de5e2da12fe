"""What the role of each function may do in the deployed stack: what it needs, and nothing beside it."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.e2e.deployment import Deployment

TABLES = (
    "EventsTable",
    "CellsTable",
    "SnapshotsTable",
    "ConnectionsTable",
    "DirectoryTable",
    "InboxTable",
    "WorkTable",
)
CALLS = ("GetItem", "BatchGetItem", "Query", "Scan", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem")
READ_VIEWS = {
    "CellsTable": {"BatchGetItem"},
    "SnapshotsTable": {"GetItem", "PutItem"},
    "ConnectionsTable": {"GetItem"},
    "DirectoryTable": {"GetItem"},
    "WorkTable": {"Query"},
}
APPEND = {"EventsTable": {"PutItem"}, "DirectoryTable": {"GetItem"}}
NOTIFY = {
    "InboxTable": {"GetItem", "Query", "PutItem", "UpdateItem"},
    "ConnectionsTable": {"GetItem", "Query", "DeleteItem"},
}
MAY: dict[str, dict[str, set[str]]] = {
    "HttpApi": {
        **READ_VIEWS,
        **APPEND,
        **NOTIFY,
        "EventsTable": {"PutItem", "Query", "BatchGetItem"},
        # Of the Directory it lists and reads, and adds to the audit trail, which is asserted of the template.
        "DirectoryTable": {"GetItem", "Query", "Scan", "UpdateItem"},
        "WorkTable": {"GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem"},
    },
    "WsAuthorize": {"DirectoryTable": {"GetItem"}},
    "WsConnect": {"ConnectionsTable": {"PutItem"}},
    "WsBootstrap": READ_VIEWS,
    "WsReconcile": READ_VIEWS,
    "WsSubscribe": {
        **READ_VIEWS,
        "SnapshotsTable": {"GetItem", "Query", "PutItem"},
        "ConnectionsTable": {"GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"},
    },
    "WsUnsubscribe": {"ConnectionsTable": {"GetItem", "Query", "UpdateItem", "DeleteItem"}},
    "WsTrack": APPEND,
    "WsListen": {
        "DirectoryTable": {"GetItem"},
        "ConnectionsTable": {"GetItem", "Query", "UpdateItem", "DeleteItem"},
        "InboxTable": {"Query"},
    },
    "WsAcknowledge": {
        "DirectoryTable": {"GetItem"},
        "InboxTable": {"BatchGetItem", "UpdateItem", "DeleteItem"},
    },
    "WsNotify": {"DirectoryTable": {"GetItem"}, **NOTIFY},
    "WsPing": {},
    "WsDefault": {},
    "WsDisconnect": {"ConnectionsTable": {"GetItem", "Query", "DeleteItem"}},
    "StreamFold": {
        "CellsTable": {"GetItem", "BatchGetItem", "Query", "PutItem"},
        "ConnectionsTable": {"Query"},
        "SnapshotsTable": {"GetItem", "PutItem"},
        "DirectoryTable": {"GetItem"},
        "WorkTable": {"Query", "PutItem", "UpdateItem", "BatchWriteItem"},
    },
    "CronBatches": {
        **APPEND,
        "DirectoryTable": {"GetItem", "PutItem"},
        "WorkTable": {"GetItem", "Query", "UpdateItem"},
    },
    "QueueAnalysis": {
        **APPEND,
        "EventsTable": {"PutItem", "BatchGetItem"},
        "CellsTable": {"BatchGetItem"},
        "ConnectionsTable": {"Query"},
        "SnapshotsTable": {"GetItem", "PutItem"},
        "WorkTable": {"GetItem", "Query", "PutItem", "UpdateItem"},
    },
    "QueueDeadletter": {**APPEND, "WorkTable": {"UpdateItem"}},
    "CronRollup": {"WorkTable": {"Query", "PutItem"}},
    "CronSlide": {},
    "QueueRollup": {
        "EventsTable": {"Query"},
        "CellsTable": {"GetItem", "BatchGetItem", "Query", "PutItem", "DeleteItem"},
        "ConnectionsTable": {"Query"},
        "SnapshotsTable": {"GetItem", "PutItem"},
        "DirectoryTable": {"GetItem"},
        "WorkTable": {"GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"},
    },
    "QueueArchive": {
        "EventsTable": {"Query"},
        "DirectoryTable": {"GetItem"},
        "WorkTable": {"GetItem", "Query", "UpdateItem", "DeleteItem"},
    },
    # Of the tables' items only its own, which is asserted of the template.
    "CronHealth": {"DirectoryTable": {"GetItem", "PutItem"}, "ConnectionsTable": {"GetItem", "Query"}},
    "StreamBroadcast": {"ConnectionsTable": {"GetItem", "Query", "DeleteItem"}},
}
OBJECTS = {
    "QueueArchive": {"events": {"GetObject", "PutObject"}, "batches": {"GetObject", "PutObject"}},
    "HttpApi": {"batches": {"GetObject"}},
}
READS_TOKEN_SECRET = {"HttpApi", "WsAuthorize", "CronHealth"}


def test_every_function_has_a_role_of_its_own(deployment: Deployment) -> None:
    roles = {name for name in deployment.resources if name.endswith("Role")}
    assert roles == {f"{name}FunctionRole" for name in MAY}


@pytest.mark.parametrize("function", MAY)
def test_a_function_may_do_what_it_needs_and_nothing_else(deployment: Deployment, function: str) -> None:
    iam, dynamodb = deployment.client("iam"), deployment.client("dynamodb")
    role = iam.get_role(RoleName=deployment.resources[f"{function}FunctionRole"])["Role"]["Arn"]

    def allowed(actions: list[str], resource: str) -> set[str]:
        answer = iam.simulate_principal_policy(PolicySourceArn=role, ActionNames=actions, ResourceArns=[resource])
        results = answer["EvaluationResults"]
        assert len(results) == len(actions)
        return {result["EvalActionName"] for result in results if result["EvalDecision"] == "allowed"}

    for table in TABLES:
        arn = dynamodb.describe_table(TableName=deployment.resources[table])["Table"]["TableArn"]
        expected = {f"dynamodb:{call}" for call in MAY[function].get(table, ())}
        assert allowed([f"dynamodb:{call}" for call in CALLS], arn) == expected, table
    read_secret, write_secret = "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"
    secret = allowed([read_secret, write_secret], deployment.stack.token_secret_arn)
    assert secret == ({read_secret} if function in READS_TOKEN_SECRET else set())
    objects = [f"s3:{call}" for call in ("GetObject", "PutObject", "DeleteObject")]
    archive = f"arn:aws:s3:::{deployment.resources['ArchiveBucket']}"
    for folder in ("events", "batches"):
        expected = {f"s3:{call}" for call in OBJECTS.get(function, {}).get(folder, ())}
        assert allowed(objects, f"{archive}/{folder}/x") == expected, folder
    assert allowed(objects, f"{archive}/x") == set()
    assert allowed(["iam:CreateUser", "lambda:InvokeFunction", "s3:GetObject", "dynamodb:ListTables"], "*") == set()


def test_what_a_role_may_not_do_is_refused(deployment: Deployment) -> None:
    role = deployment.client("iam").get_role(RoleName=deployment.resources["WsTrackFunctionRole"])["Role"]["Arn"]

    def read_all_events() -> None:
        # On AWS the role trusts only Lambda, and it is the assumption that is refused.
        given = deployment.client("sts").assume_role(RoleArn=role, RoleSessionName="e2e")["Credentials"]
        region = deployment.outputs.region
        session = boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], region)
        deployment.client("dynamodb", session).scan(TableName=deployment.resources["EventsTable"])

    with pytest.raises(ClientError, match="AccessDenied"):
        read_all_events()
