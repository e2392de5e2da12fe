"""The time to live of a table that a template declares.

MiniStack ignores `TimeToLiveSpecification` in templates, so nothing ever expires. CloudFormation sets it. Can go when
DescribeTimeToLive of a deployed table answers ENABLED.
"""

from __future__ import annotations

from typing import Any

from ministack.services import dynamodb

from local.launcher.shims.after_provisioning import after_provisioning


def keep_time_to_live(table: str, properties: dict[str, Any]) -> None:
    """Store the declared setting where UpdateTimeToLive would."""
    if specification := properties.get("TimeToLiveSpecification"):
        enabled = str(specification.get("Enabled")).lower() == "true"
        dynamodb._ttl_settings[table] = {
            "TimeToLiveStatus": "ENABLED" if enabled else "DISABLED",
            "AttributeName": specification.get("AttributeName", ""),
        }


def install() -> None:
    """Apply the setting after a table is created or updated."""
    after_provisioning("AWS::DynamoDB::Table", keep_time_to_live)
