"""Two clients written from docs/protocol.md alone, in Python and in JavaScript, both on the deployed stack."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tests.e2e.deployment import PATIENCE_SECONDS, until
from tests.e2e.tenant import WEB, Tenant, patiently

HERE = Path(__file__).parent
COMMANDS = {
    "python": [sys.executable, "-I", str(HERE / "interop_client.py")],
    "javascript": ["node", str(HERE / "interop_client.mjs")],
}
ROUNDS = 8


class InteropClient:
    """One of the clients, in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], user: str) -> None:
        self.user = user
        self._process = process
        self.position = self._answer()

    def ask(self, command: str) -> dict[str, Any]:
        """Give a command and return its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the client of {self.user} has ended"
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def client(tenant: Tenant, language: str) -> Iterator[InteropClient]:
    """Start a client; it ends when its input does."""
    arguments = [tenant.deployment.stack.http_url, tenant.token(user=language), json.dumps(WEB)]
    command = [*COMMANDS[language], *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        alarm = threading.Timer(4 * PATIENCE_SECONDS, process.kill)
        alarm.start()
        try:
            yield InteropClient(process, language)
            assert process.stdin is not None
            process.stdin.close()
            assert process.wait(PATIENCE_SECONDS) == 0
        finally:
            alarm.cancel()
            process.kill()


@contextmanager
def events_flowing(tenant: Tenant) -> Iterator[None]:
    """Send small batches one after the other, until the end."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def send() -> None:
        try:
            while not stop.is_set():
                tenant.send([tenant.page_view(path=f"/{number}/é") for number in range(3)])
        except BaseException as error:  # noqa: BLE001 - raised in the test's own thread
            failures.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert not failures, failures


def notify(tenant: Tenant, user: str, number: int) -> str:
    """Send a message to a user and return its id."""
    message_id = f"{user}-{number}"
    response = patiently(
        lambda: tenant.http.post(
            f"/v1/workspaces/{tenant.name}/notify",
            json={"user": user, "message_id": message_id, "body": {"number": number}},
            headers={"Authorization": f"Bearer {tenant.token('admin')}"},
        )
    )
    assert response.status_code == 200, response.text
    return message_id


def agree(tenant: Tenant, *clients: InteropClient) -> bool:
    """Compare all with a fresh bootstrap; False if an hour has ended just then, which moves the window."""
    before = tenant.bootstrap(WEB)
    found = [client.ask("check") for client in clients]
    after = tenant.bootstrap(WEB)
    if before.position != after.position or after.position is None:
        return False
    for each in found:
        assert each["position"] == after.position.as_dict()
        assert each["checksums"] == after.checksums
    return True


def has_all(sent: list[str], said: dict[str, Any]) -> bool:
    """Whether every message has come, each once and in order."""
    return bool(said["messages"] == sent)


def test_two_clients_written_from_the_protocol_alone_stay_exact(tenant: Tenant) -> None:
    with client(tenant, "python") as python, client(tenant, "javascript") as javascript:
        clients = [python, javascript]
        sent: dict[str, list[str]] = {each.user: [] for each in clients}
        with events_flowing(tenant):
            for number in range(ROUNDS):
                for index, each in enumerate(clients):
                    sent[each.user].append(notify(tenant, each.user, number))
                    match (number + index) % 4:
                        case 0:
                            each.ask("leave")
                            sent[each.user].append(notify(tenant, each.user, 100 + number))
                            each.ask("return")
                        case 1:
                            each.ask("lose")
                        case 2:
                            each.ask("check")
        tenant.drain()
        for each in clients:
            until(partial(each.ask, "check"), partial(has_all, sent[each.user]))
        until(lambda: agree(tenant, *clients), bool)
        for each in clients:
            said = each.ask("check")
            assert has_all(sent[each.user], said)
            assert said["applied"] > ROUNDS
            assert said["recovered"].count(True) > 1
            assert said["lost"] > 0
            assert said["gaps"] > 0
            assert {"current", "behind"} == set(said["verdicts"])
