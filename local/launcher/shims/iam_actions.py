"""Calls that IAM authorises under the name of another call.

MiniStack checks `SendMessageBatch` as `sqs:SendMessageBatch`, an action that does not exist, so a policy that is
right on AWS is refused. AWS checks a batch as its single call, and Bedrock's Converse as InvokeModel (Service
Authorization Reference). Can go when a role with `sqs:SendMessage` alone may call SendMessageBatch.
"""

from __future__ import annotations

from typing import Any

from ministack.core import iam_actions

AUTHORISED_AS = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "bedrock:Converse": "bedrock:InvokeModel",
    "bedrock:ConverseStream": "bedrock:InvokeModelWithResponseStream",
}


def install() -> None:
    """Translate the action that MiniStack derives from a request."""
    derive = iam_actions.extract_iam_action

    def translated(*args: Any, **kwargs: Any) -> str | None:
        action: str | None = derive(*args, **kwargs)
        return AUTHORISED_AS.get(action, action) if action else None

    iam_actions.extract_iam_action = translated
