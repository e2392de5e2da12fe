"""Functions that are seldom called, called often: what they keep of their first hundred calls is a cache's."""

from __future__ import annotations

import json
import threading
from typing import Any

import boto3
from botocore.config import Config
from websockets.sync.client import connect

from local.deploy import ACCESS_KEY, SECRET_KEY
from local.outputs import Outputs

CALLS = 150
"""CPython's cache of names has 4,096 places, of which a call takes at least forty."""
PATIENCE_SECONDS = 60.0
SCHEDULED = ("CronBatchesFunction", "CronSlideFunction", "CronHealthFunction")
VIEW = {"dashboard": "web", "days": 30}


class Warmth(threading.Thread):
    """Invokes each schedule's function, and reconciles a view, `CALLS` times."""

    def __init__(self, outputs: Outputs) -> None:
        super().__init__()
        self._outputs = outputs
        self.answered = 0
        """Calls that came to a good end: those of all functions, if nothing failed."""

    def run(self) -> None:
        """Call in turn."""
        functions = self._functions()
        config = Config(read_timeout=PATIENCE_SECONDS, retries={"total_max_attempts": 1})
        client = self._session().client("lambda", endpoint_url=self._outputs.endpoint_url, config=config)
        address = f"{self._outputs.websocket_url}?token={self._outputs.read_token}"
        with connect(address, open_timeout=PATIENCE_SECONDS, proxy=None) as socket:
            for number in range(CALLS):
                for function in functions:
                    invoked = client.invoke(FunctionName=function, Payload=b"{}")
                    self.answered += "FunctionError" not in invoked
                socket.send(json.dumps({"action": "reconcile", "id": str(number), "view": VIEW, "have": {}}))
                while (answer := json.loads(socket.recv(PATIENCE_SECONDS)))["type"] not in ("reconciled", "error"):
                    pass
                self.answered += answer["type"] == "reconciled"

    def _functions(self) -> list[str]:
        client = self._session().client("cloudformation", endpoint_url=self._outputs.endpoint_url)
        resources = client.describe_stack_resources(StackName=self._outputs.stack)["StackResources"]
        found = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}
        return [found[name] for name in SCHEDULED]

    def _session(self) -> Any:
        return boto3.Session(ACCESS_KEY, SECRET_KEY, region_name=self._outputs.region)
