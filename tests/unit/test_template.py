"""What template.yaml, samconfig.toml and events/ promise, read as they are: no stack is needed."""

from __future__ import annotations

import ast
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.support.memory_cold import analysed
from tests.template import RESOURCES, ROOT, TEMPLATE, of_type, referred
from tidemark.aws.archive import object_key
from tidemark.aws.cold_batches import cold_key
from tidemark.aws.parquet import SQL_TYPES
from tidemark.domain.cold_batches import row_of
from tidemark.domain.health import DEADLINE_MILLISECONDS, Run, measurements
from tidemark.domain.insights import Claim, Figure, Insight
from tidemark.domain.jobs import FIRST_PAUSE_SECONDS, HIDDEN_SECONDS, LEASE_SECONDS, MAX_ATTEMPTS
from tidemark.domain.workspace import OPERATIONS
from tidemark.services.canary import CANARY
from tidemark.services.cold_notes import SENT_AGAIN_SECONDS
from tidemark.services.health import RUN_SECONDS

ROUTES = {
    "$connect",
    "$disconnect",
    "$default",
    "bootstrap",
    "subscribe",
    "reconcile",
    "unsubscribe",
    "track",
    "listen",
    "acknowledge",
    "notify",
    "ping",
}
VARIABLES = {
    "EVENTS_TABLE": "EventsTable",
    "CELLS_TABLE": "CellsTable",
    "SNAPSHOTS_TABLE": "SnapshotsTable",
    "CONNECTIONS_TABLE": "ConnectionsTable",
    "DIRECTORY_TABLE": "DirectoryTable",
    "INBOX_TABLE": "InboxTable",
    "WORK_TABLE": "WorkTable",
    "ROLLUP_QUEUE_URL": "RollupQueue",
    "ARCHIVE_QUEUE_URL": "ArchiveQueue",
    "ANALYSIS_QUEUE_URL": "AnalysisQueue",
    "ANALYSIS_DEAD_LETTERS_URL": "AnalysisDeadLetters",
    "ARCHIVE_BUCKET": "ArchiveBucket",
    "TOKEN_SECRET_ARN": "TokenSecret",
}
"""The variables that name a resource, and the resource."""
PLAIN_VARIABLES = {
    "CronBatchesFunction": {"ANALYSIS_PROVIDER", "BREAKER_SECONDS"},
    "CronHealthFunction": {"HEALTH_MINUTES", "HTTP_URL"},
    "HttpApiFunction": {"WEBSOCKET_URL", "ANALYSIS_PROVIDER", "BREAKER_SECONDS"},
    "QueueAnalysisFunction": {
        *("ANALYSIS_PROVIDER", "ANALYSIS_FAILURE_PERCENT", "BREAKER_SECONDS"),
        *("BEDROCK_MODEL_ID", "BEDROCK_PRICES", "JOB_LEASE_SECONDS", "JOB_PAUSE_SECONDS"),
    },
}
"""The variables of a function that name no resource."""
SHARED_VARIABLES = {
    "AWS_ENDPOINT_URL",
    "CALLBACK_ENDPOINT",
    "RETENTION_DAYS",
    "POWERTOOLS_SERVICE_NAME",
    "POWERTOOLS_LOG_LEVEL",
    "POWERTOOLS_METRICS_NAMESPACE",
}
NAMED_BY_AWS = (
    "${WebSocketApi}/live/POST/@connections/*",
    "${WebSocketApi}/live/DELETE/@connections/*",
    "Table.Arn}/stream/*",
    "${ArchiveBucket.Arn}/events/*",
    "${ArchiveBucket.Arn}/batches/*",
)
"""Below one API, one table or one bucket of this stack, what has a name that only AWS knows."""
LOG_ACTIONS = ("PutItem", "Query", "BatchGetItem", "DescribeTable")
OUTPUTS = {
    "HttpUrl",
    "WebSocketUrl",
    "DashboardUrl",
    "EventsTable",
    "CellsTable",
    "SnapshotsTable",
    "ConnectionsTable",
    "DirectoryTable",
    "InboxTable",
    "WorkTable",
    "RollupQueueUrl",
    "RollupDeadLetterQueueUrl",
    "ArchiveQueueUrl",
    "AnalysisQueueUrl",
    "AnalysisDeadLettersUrl",
    "ArchiveBucket",
    "TokenSecretArn",
}


HEALTH_ALARMS = {
    "HealthAlarm": ("CRITICAL", "HealthFailures", 2),
    "StartupAlarm": ("WARNING", "HealthStartupMilliseconds", 1),
    "DegradedAlarm": ("INFO", "HealthDegradedComponents", 1),
}
"""Severity, metric and the number of runs that make it ring."""

FUNCTIONS = of_type("AWS::Serverless::Function")
TABLES = of_type("AWS::DynamoDB::Table")
SOURCES = of_type("AWS::Lambda::EventSourceMapping")
QUEUES = of_type("AWS::SQS::Queue")
GLUE_TABLES = of_type("AWS::Glue::Table")
ALARMS = of_type("AWS::CloudWatch::Alarm")
(WEBSOCKET,) = of_type("AWS::Serverless::WebSocketApi").values()

each_function = pytest.mark.parametrize("name", sorted(FUNCTIONS))
each_table = pytest.mark.parametrize("name", sorted(TABLES))
each_source = pytest.mark.parametrize("name", sorted(SOURCES))
each_alarm = pytest.mark.parametrize("name", sorted(ALARMS))


def _statements(function: str) -> list[dict[str, Any]]:
    return [statement for policy in FUNCTIONS[function]["Policies"] for statement in policy["Statement"]]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _allowed(function: str) -> dict[str, set[str]]:
    """Return what a function may do: {logical id of the resource: actions}, streams left out."""
    allowed: dict[str, set[str]] = {}
    for statement in _statements(function):
        for resource in _listed(statement["Resource"]):
            table, index, _ = resource.get("Fn::Sub", "").partition(".Arn}/index/")
            if index:
                allowed.setdefault(table.removeprefix("${"), set()).update(_listed(statement["Action"]))
            if resource.get("Fn::GetAtt", [None, None])[1] in {"Arn", "Id"}:
                allowed.setdefault(referred(resource), set()).update(_listed(statement["Action"]))
    return allowed


@each_function
def test_a_function_has_one_module_with_a_handler(name: str) -> None:
    folder = ROOT / FUNCTIONS[name]["CodeUri"]
    assert [path.name for path in folder.glob("*.py")] == ["handler.py"]
    tree = ast.parse((folder / "handler.py").read_text())
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assigned = {ast.unparse(node.targets[0]) for node in tree.body if isinstance(node, ast.Assign)}
    assert "handler" in defined | assigned
    assert TEMPLATE["Globals"]["Function"]["Handler"] == "handler.handler"


@each_function
def test_a_function_is_named_after_its_folder(name: str) -> None:
    folder = Path(FUNCTIONS[name]["CodeUri"])
    assert folder.parent == Path("functions")
    assert name == "".join(word.capitalize() for word in folder.name.split("_")) + "Function"


def test_every_folder_of_functions_is_declared() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/handler.py")}
    assert folders == {Path(function["CodeUri"]).name for function in FUNCTIONS.values()}


def test_the_websocket_routes_are_those_of_the_protocol() -> None:
    assert set(WEBSOCKET["Routes"]) == ROUTES


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_a_websocket_route_points_at_its_own_function(route: str) -> None:
    target = referred(WEBSOCKET["Routes"][route]["FunctionArn"])
    assert target == f"Ws{route.lstrip('$').capitalize()}Function"
    assert target in FUNCTIONS


def test_connecting_asks_the_authorizer_and_leaves_it_to_find_the_credential() -> None:
    auth = WEBSOCKET["Auth"]
    assert auth["AuthType"] == "CUSTOM"
    assert referred(auth["AuthArn"]) == "WsAuthorizeFunction"
    assert auth["IdentitySource"] == []


def test_every_http_path_and_method_reaches_the_function() -> None:
    events = [event["Properties"] for event in FUNCTIONS["HttpApiFunction"]["Events"].values()]
    assert {(event["Path"], event["Method"]) for event in events} == {("/", "ANY"), ("/{proxy+}", "ANY")}
    assert {referred(event["ApiId"]) for event in events} == {"HttpApi"}


def test_any_page_may_call_the_http_api_but_without_cookies() -> None:
    cors = RESOURCES["HttpApi"]["Properties"]["CorsConfiguration"]
    assert cors["AllowOrigins"] == ["*"]
    assert {"authorization", "content-type"} == set(cors["AllowHeaders"])
    assert "AllowCredentials" not in cors


@pytest.mark.parametrize("api", ["HttpApi", "WebSocketApi"])
def test_an_api_limits_its_rate(api: str) -> None:
    limits = RESOURCES[api]["Properties"]["DefaultRouteSettings"]
    assert limits["ThrottlingRateLimit"] > 0
    assert limits["ThrottlingBurstLimit"] > 0


def test_functions_and_sample_events_are_one_to_one() -> None:
    assert {path.stem for path in (ROOT / "events").iterdir()} == set(FUNCTIONS)


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_a_sample_event_of_a_route_names_that_route(route: str) -> None:
    target = referred(WEBSOCKET["Routes"][route]["FunctionArn"])
    event = json.loads((ROOT / "events" / f"{target}.json").read_text())
    assert event["requestContext"]["routeKey"] == route
    assert event["requestContext"]["stage"] == WEBSOCKET["StageName"]
    if route not in {"$connect", "$disconnect", "$default"}:
        assert json.loads(event["body"])["action"] == route


@each_function
def test_a_policy_names_actions_and_resources_without_wildcards(name: str) -> None:
    for statement in _statements(name):
        assert statement["Effect"] == "Allow"
        assert not any("*" in action for action in _listed(statement["Action"]))
        for resource in _listed(statement["Resource"]):
            text = resource.get("Fn::Sub", "")
            assert text or referred(resource)
            assert "*" not in text or text.endswith(NAMED_BY_AWS)


@each_function
def test_the_statements_of_a_policy_have_names_of_their_own(name: str) -> None:
    sids = [statement["Sid"] for statement in _statements(name)]
    assert len(set(sids)) == len(sids)


@each_function
def test_a_function_may_only_append_to_the_log_and_read_it(name: str) -> None:
    assert _allowed(name).get("EventsTable", set()) <= {f"dynamodb:{a}" for a in LOG_ACTIONS}


@each_function
def test_a_function_has_the_variables_of_what_it_may_use_and_no_others(name: str) -> None:
    variables = FUNCTIONS[name].get("Environment", {}).get("Variables", {})
    plain = PLAIN_VARIABLES.get(name, set())
    assert plain <= variables.keys()
    assert {variable: referred(value) for variable, value in variables.items() if variable not in plain} == {
        variable: resource for variable, resource in VARIABLES.items() if resource in _allowed(name)
    }


def test_all_functions_share_only_the_known_variables() -> None:
    assert set(TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]) == SHARED_VARIABLES


@each_function
def test_a_function_logs_json_to_a_group_of_its_own_that_forgets(name: str) -> None:
    group = referred(FUNCTIONS[name]["LoggingConfig"]["LogGroup"])
    assert RESOURCES[group]["Type"] == "AWS::Logs::LogGroup"
    assert RESOURCES[group]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    groups = [function["LoggingConfig"]["LogGroup"]["Ref"] for function in FUNCTIONS.values()]
    assert groups.count(group) == 1
    assert TEMPLATE["Globals"]["Function"]["LoggingConfig"]["LogFormat"] == "JSON"


@each_table
def test_a_table_is_on_demand_encrypted_recoverable_and_forgets(name: str) -> None:
    table = TABLES[name]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSESpecification"]["SSEEnabled"] is True
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


@each_table
def test_a_table_has_the_keys_that_storage_md_states(name: str) -> None:
    keys = {key["AttributeName"]: key["KeyType"] for key in TABLES[name]["KeySchema"]}
    assert keys == {"pk": "HASH", "sk": "RANGE"}
    types = {each["AttributeName"]: each["AttributeType"] for each in TABLES[name]["AttributeDefinitions"]}
    indexes = TABLES[name].get("GlobalSecondaryIndexes", [])
    indexed = {key["AttributeName"] for index in indexes for key in index["KeySchema"]}
    assert types == {"pk": "S", "sk": "S"} | {each: "N" if each.endswith("_at") else "S" for each in indexed}
    projected = {index["IndexName"]: index["Projection"] for index in indexes}
    assert projected.pop("pipeline", {"ProjectionType": "INCLUDE"})["ProjectionType"] == "INCLUDE"
    assert all(projection == {"ProjectionType": "KEYS_ONLY"} for projection in projected.values())


@pytest.mark.parametrize("name", ["EventsTable", "CellsTable", "DirectoryTable", "InboxTable", "WorkTable"])
def test_a_table_that_cannot_be_made_again_outlives_the_stack(name: str) -> None:
    assert RESOURCES[name]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert RESOURCES[name]["UpdateReplacePolicy"] == "Retain"


@each_source
def test_a_stream_trigger_gives_up_in_bounds_and_reports_what_it_gave_up(name: str) -> None:
    source = SOURCES[name]
    function, queue = (
        referred(source["FunctionName"]),
        referred(source["DestinationConfig"]["OnFailure"]["Destination"]),
    )
    assert 0 < source["MaximumRetryAttempts"] <= 100
    assert 60 <= source["MaximumRecordAgeInSeconds"] <= 24 * 3600
    assert source["BisectBatchOnFunctionError"] is True
    assert "sqs:SendMessage" in _allowed(function)[queue]


@each_source
def test_a_stream_trigger_reads_a_stream_that_its_function_may_read(name: str) -> None:
    source = SOURCES[name]
    table, attribute = source["EventSourceArn"]["Fn::GetAtt"]
    assert attribute == "StreamArn"
    assert TABLES[table]["StreamSpecification"]["StreamViewType"] == "NEW_IMAGE"
    read = {
        action
        for statement in _statements(referred(source["FunctionName"]))
        if table in str(statement["Resource"])
        for action in _listed(statement["Action"])
    }
    assert read >= {f"dynamodb:{verb}" for verb in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")}


@each_source
def test_a_stream_trigger_lets_its_sample_event_pass(name: str) -> None:
    (pattern,) = (json.loads(each["Pattern"]) for each in SOURCES[name]["FilterCriteria"]["Filters"])
    sample = ROOT / "events" / f"{referred(SOURCES[name]['FunctionName'])}.json"
    for record in json.loads(sample.read_text())["Records"]:
        assert [record["eventName"]] == pattern["eventName"] == ["INSERT"]
        for condition in pattern.get("dynamodb", {}).get("Keys", {}).get("sk", {}).get("S", []):
            assert record["dynamodb"]["Keys"]["sk"]["S"].startswith(condition["prefix"])


def test_every_stream_has_a_trigger() -> None:
    streams = {name for name, table in TABLES.items() if "StreamSpecification" in table}
    assert streams == {source["EventSourceArn"]["Fn::GetAtt"][0] for source in SOURCES.values()}


def test_the_archive_is_private_encrypted_and_gets_cheaper_with_age() -> None:
    bucket, (policy,) = RESOURCES["ArchiveBucket"], of_type("AWS::S3::BucketPolicy").values()
    assert RESOURCES["ArchiveBucketPolicy"]["Condition"] == "IsOnAws"
    assert TEMPLATE["Conditions"]["IsOnAws"] == {"Fn::Equals": [{"Ref": "ExecuteApiBase"}, ""]}
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    properties = bucket["Properties"]
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"  # its ETag is a hash of the content
    assert "VersioningConfiguration" not in properties  # what was erased is gone
    (denied,) = policy["PolicyDocument"]["Statement"]
    assert (denied["Effect"], denied["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    *agings, uploads = properties["LifecycleConfiguration"]["Rules"]
    assert [aging["Prefix"] for aging in agings] == ["events/", "batches/"]
    for aging in agings:
        assert [(step["StorageClass"], step["TransitionInDays"]) for step in aging["Transitions"]] == [
            ("STANDARD_IA", 30),
            ("GLACIER_IR", 90),
        ]
        assert aging["ExpirationInDays"]["Fn::If"] == ["HasArchiveEnd", {"Ref": "ArchiveDays"}, {"Ref": "AWS::NoValue"}]
    assert "AbortIncompleteMultipartUpload" in uploads


def test_the_glue_table_has_the_columns_and_the_places_of_what_is_archived() -> None:
    table = GLUE_TABLES["ArchiveTable"]["TableInput"]
    columns = {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}
    types = {"VARCHAR": "string", "JSON": "string", "TIMESTAMPTZ": "timestamp"}
    assert columns == {name: types[kind] for name, kind in SQL_TYPES.items()} | {"hour": "timestamp"}
    place = table["Parameters"]["storage.location.template"]["Fn::Sub"].partition("/events/")[2]
    place = place.replace("${!workspace}", "acme").replace("${!date}", "2026-11-22")
    assert object_key("acme", "2026-11-22T10:30Z") == f"events/{place}/2026-11-22T1030Z.parquet"
    assert [key["Name"] for key in table["PartitionKeys"]] == ["workspace", "date"]


def test_the_glue_table_of_the_batches_has_the_columns_and_the_places_of_what_is_stored() -> None:
    table = GLUE_TABLES["BatchesTable"]["TableInput"]
    columns = {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}
    row = row_of(analysed())
    assert columns.keys() == row.keys() - {"workspace"}  # which is the partition's
    kinds = {int: ("int", "bigint"), str: ("string",), list: ("array<string>",), dict: (columns["insight"],)}
    for name, kind in columns.items():
        assert kind in kinds[type(row[name])]
    for form in (Insight, Claim, Figure):
        members = [field for field in form.__dataclass_fields__ if field not in ("patterns", "figures")]
        assert all(f"{member}:" in columns["insight"] for member in members)
    place = table["Parameters"]["storage.location.template"]["Fn::Sub"].partition("${ArchiveBucket}/")[2]
    place = place.replace("${!workspace}", "acme").replace("${!date}", "2026-11-22")
    assert cold_key("acme", "2026-11-22T10:30Z") == f"{place}/2026-11-22T1030Z.ndjson.gz"
    same = ("PartitionKeys", "TableType")
    assert [table[name] for name in same] == [GLUE_TABLES["ArchiveTable"]["TableInput"][name] for name in same]


def test_only_who_stores_batches_takes_notes_away_and_reads_nothing_but_batches() -> None:
    found = {each["Sid"]: each for each in _statements("QueueArchiveFunction")}
    keys = {
        tuple(_listed(each["Action"])): each["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
        for each in found.values()
        if each["Resource"] == {"Fn::GetAtt": ["WorkTable", "Arn"]}
    }
    taken = ("dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")
    assert keys == {("dynamodb:Query",): ["B#*"], taken: ["C#*"]}


def test_a_job_about_batches_that_was_given_up_has_left_the_queue_when_it_is_sent_again() -> None:
    queue = QUEUES["ArchiveQueue"]
    assert queue["VisibilityTimeout"] * queue["RedrivePolicy"]["maxReceiveCount"] < SENT_AGAIN_SECONDS


@pytest.mark.parametrize("name", sorted(QUEUES))
def test_a_queue_is_encrypted_kept_for_two_weeks_and_watched(name: str) -> None:
    assert QUEUES[name]["SqsManagedSseEnabled"] is True
    assert QUEUES[name]["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert any({"Fn::GetAtt": [name, "QueueName"]} in _watched(alarm) for alarm in ALARMS.values())


@each_alarm
def test_an_alarm_says_what_it_means_and_rests_without_data(name: str) -> None:
    alarm = ALARMS[name]
    assert alarm["AlarmDescription"].endswith(".")
    assert alarm["AlarmDescription"].startswith(("CRITICAL. ", "WARNING. ", "INFO. "))
    # A health check that does not run is no sign of health, and a rollup that does not run no sign of closed hours.
    assert alarm["TreatMissingData"] == (
        "breaching" if name in {"HealthAlarm", "RollupMissedAlarm"} else "notBreaching"
    )
    assert alarm["AlarmActions"]["Fn::If"][0] == "HasAlarmTopic"
    for value in _watched(alarm):
        assert not isinstance(value, dict) or referred(value)


@each_table
def test_a_table_is_watched_for_throttling(name: str) -> None:
    throttles = [alarm for alarm in ALARMS.values() if "ThrottleEvents" in alarm["MetricName"]]
    assert [{"Ref": name}] in [_watched(alarm) for alarm in throttles]


def test_the_health_check_runs_as_often_as_its_parameter_says_and_not_at_all_at_zero() -> None:
    minutes = TEMPLATE["Parameters"]["HealthMinutes"]
    periods = TEMPLATE["Mappings"]["HealthPeriods"]
    assert {str(allowed) for allowed in minutes["AllowedValues"]} == set(periods)
    for name, period in periods.items():
        every = int(name) or minutes["Default"]
        assert period == {"Seconds": every * 60, "Rate": f"rate({every} minute{'s' if every > 1 else ''})"}
    assert TEMPLATE["Conditions"]["HasHealthCheck"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "HealthMinutes"}, 0]}]}
    (schedule,) = FUNCTIONS["CronHealthFunction"]["Events"].values()
    found = {"Fn::FindInMap": ["HealthPeriods", {"Ref": "HealthMinutes"}, "Rate"]}
    assert (schedule["Type"], schedule["Properties"]["Schedule"]) == ("Schedule", found)
    conditional = {name for name, resource in RESOURCES.items() if resource.get("Condition") == "HasHealthCheck"}
    assert conditional == {"CronHealthFunction", "CronHealthLogs", *HEALTH_ALARMS}


def test_the_health_check_outlives_its_run_and_does_not_pile_up() -> None:
    function = FUNCTIONS["CronHealthFunction"]
    assert function["Timeout"] > RUN_SECONDS + 3 * DEADLINE_MILLISECONDS / 1000
    assert function["EventInvokeConfig"] == {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 0}


def test_the_health_check_touches_nothing_but_the_canary_and_its_report() -> None:
    keys: dict[tuple[str, str], list[str]] = {}
    for statement in _statements("CronHealthFunction"):
        for kind in statement.get("Condition", {}).values():
            for action in _listed(statement["Action"]):
                keys[referred(statement["Resource"]), action] = kind["dynamodb:LeadingKeys"]
    assert keys == {
        ("DirectoryTable", "dynamodb:GetItem"): ["HEALTH", f"WORKSPACE#{CANARY}"],
        ("DirectoryTable", "dynamodb:PutItem"): ["HEALTH", f"WORKSPACE#{CANARY}"],
        ("ConnectionsTable", "dynamodb:GetItem"): ["C#*"],
        ("ConnectionsTable", "dynamodb:Query"): [f"{CANARY}#*", f"U#{CANARY}#*"],
    }


def test_the_audit_trail_can_be_added_to_and_read_but_not_taken_from() -> None:
    trail = ["AUDIT#*"]
    for name in FUNCTIONS:
        for statement in _statements(name):
            of_directory = {"Fn::GetAtt": ["DirectoryTable", "Arn"]} in _listed(statement["Resource"])
            for action in _listed(statement["Action"]) if of_directory else ():
                keys = statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys")
                if action == "dynamodb:UpdateItem":
                    assert (name, keys) == ("HttpApiFunction", trail)
                if action == "dynamodb:Query":
                    assert (name, keys) == ("HttpApiFunction", ["WORKSPACE#*", *trail])
                assert action not in {"dynamodb:DeleteItem", "dynamodb:BatchWriteItem"}


def test_the_schedule_may_make_no_workspace_but_the_one_for_operations() -> None:
    (put,) = (each for each in _statements("CronBatchesFunction") if each["Sid"] == "MakeOperationsWorkspace")
    assert put["Condition"] == {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [f"WORKSPACE#{OPERATIONS}"]}}
    writes = [each for each in _statements("CronBatchesFunction") if each["Resource"] == put["Resource"]]
    assert [each["Action"] for each in writes if each is not put] == ["dynamodb:GetItem"]


@pytest.mark.parametrize("name", sorted(HEALTH_ALARMS))
def test_an_alarm_of_the_health_check_watches_what_a_run_publishes_in_the_period_of_a_run(name: str) -> None:
    severity, metric, evaluations = HEALTH_ALARMS[name]
    alarm = ALARMS[name]
    assert alarm["AlarmDescription"].startswith(f"{severity}. ")
    assert (alarm["MetricName"], alarm["EvaluationPeriods"]) == (metric, evaluations)
    assert alarm["Period"] == {"Fn::FindInMap": ["HealthPeriods", {"Ref": "HealthMinutes"}, "Seconds"]}
    shared = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    assert alarm["Namespace"] == shared["POWERTOOLS_METRICS_NAMESPACE"]
    assert "Dimensions" not in alarm
    published = {each.name for each in measurements(Run(0, 300, 0, ())) if not each.dimensions}
    assert metric in published


@pytest.mark.parametrize(
    ("name", "metric"),
    [("UndeliverableMessageAlarm", "UndeliverableMessages"), ("InternalErrorAlarm", "InternalErrors")],
)
def test_one_refused_message_or_defect_in_a_minute_rings(name: str, metric: str) -> None:
    alarm = ALARMS[name]
    namespace = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]["POWERTOOLS_METRICS_NAMESPACE"]
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == (namespace, metric, "Sum")
    assert "Dimensions" not in alarm  # as `count` writes it
    assert (alarm["Period"], alarm["EvaluationPeriods"], alarm["Threshold"]) == (60, 1, 1)
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"


def test_a_message_that_is_refused_is_critical() -> None:
    assert ALARMS["UndeliverableMessageAlarm"]["AlarmDescription"].startswith("CRITICAL")


def test_a_ticket_names_the_address_that_the_stack_puts_out() -> None:
    variables = FUNCTIONS["HttpApiFunction"]["Environment"]["Variables"]
    assert variables["WEBSOCKET_URL"] == TEMPLATE["Outputs"]["WebSocketUrl"]["Value"]


@pytest.mark.parametrize(
    ("variable", "parameter", "on_aws"),
    [
        ("ANALYSIS_FAILURE_PERCENT", "AnalysisFailurePercent", 0),
        ("JOB_LEASE_SECONDS", "JobLeaseSeconds", LEASE_SECONDS),
        ("JOB_PAUSE_SECONDS", "JobPauseSeconds", FIRST_PAUSE_SECONDS),
    ],
)
def test_what_is_for_trying_things_out_has_an_effect_on_a_local_stack_alone(
    variable: str, parameter: str, on_aws: int
) -> None:
    variables = FUNCTIONS["QueueAnalysisFunction"]["Environment"]["Variables"]
    assert variables[variable]["Fn::If"] == ["IsLocal", {"Ref": parameter}, str(on_aws)]
    assert TEMPLATE["Parameters"][parameter]["Default"] == on_aws


def test_a_job_is_hidden_and_tried_as_its_worker_counts_on() -> None:
    queue, function = QUEUES["AnalysisQueue"], FUNCTIONS["QueueAnalysisFunction"]
    assert queue["VisibilityTimeout"] == HIDDEN_SECONDS
    assert function["Timeout"] <= HIDDEN_SECONDS
    assert queue["RedrivePolicy"]["maxReceiveCount"] == MAX_ATTEMPTS
    (source,) = function["Events"].values()
    assert source["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_the_outputs_are_those_that_the_tools_read() -> None:
    assert set(TEMPLATE["Outputs"]) == OUTPUTS


@pytest.mark.parametrize("environment", ["default", "local", "dev", "prod"])
def test_the_configuration_of_an_environment_sets_only_known_parameters(environment: str) -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())[environment]
    overrides = config["global"]["parameters"].get("parameter_overrides", "").split()
    for override in overrides:
        parameter, _, value = override.partition("=")
        declared = TEMPLATE["Parameters"][parameter]
        assert value in map(str, declared.get("AllowedValues", [value]))
    assert config["deploy"]["parameters"]["capabilities"] == "CAPABILITY_IAM"


def _watched(alarm: dict[str, Any]) -> list[Any]:
    return [dimension["Value"] for dimension in alarm.get("Dimensions", [])]


def test_one_model_may_be_asked_and_only_where_a_model_is_the_provider() -> None:
    policy = RESOURCES["AskModelPolicy"]
    assert TEMPLATE["Conditions"][policy["Condition"]] == {"Fn::Equals": [{"Ref": "AnalysisProvider"}, "bedrock"]}
    direct, through_profile = policy["Properties"]["PolicyDocument"]["Statement"]
    assert {direct["Action"], through_profile["Action"]} == {"bedrock:InvokeModel"}
    assert all(arn["Fn::Sub"].endswith("/${BedrockModelId}") for arn in direct["Resource"])
    profile = through_profile["Condition"]["StringEquals"]["bedrock:InferenceProfileArn"]
    assert profile in direct["Resource"]
