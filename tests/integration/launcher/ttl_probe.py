"""Runs under MiniStack's interpreter: one pass of its reaper over an expired item; prints the stream records as JSON.

The reaper of a running emulator passes once a minute, which is too long for a test.
"""

from __future__ import annotations

import json
import threading
import time

from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import dynamodb

from local.launcher.shims import ttl_stream_records

ACCOUNT, REGION = "000000000000", "eu-west-1"


def main() -> None:
    ttl_stream_records.install()
    set_request_account_id(ACCOUNT)
    set_request_region(REGION)
    dynamodb._create_table(
        {
            "TableName": "leases",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "OLD_IMAGE"},
        }
    )
    dynamodb._ttl_settings["leases"] = {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
    for key, expires_at in (("gone", 1), ("alive", time.time() + 3600)):
        item = {"pk": {"S": key}, "expires_at": {"N": str(expires_at)}}
        dynamodb._put_item({"TableName": "leases", "Item": item})
    wake = threading.Event()
    waited = threading.Event()

    class Clock:
        """Stands for the module `time` of the reaper: its second sleep tells that a pass is over, and never ends."""

        time = staticmethod(time.time)

        def __init__(self) -> None:
            self.sleeps = 0

        def sleep(self, _seconds: float) -> None:
            self.sleeps += 1
            if self.sleeps > 1:
                waited.set()
                wake.wait()

    dynamodb.time = Clock()
    threading.Thread(target=dynamodb._ttl_reaper, name=ttl_stream_records.REAPER_THREAD, daemon=True).start()
    waited.wait(10)
    print(json.dumps(dynamodb._stream_records["leases"]))


main()
