"""`tidemark notify`, the whole command, against the real route."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from types import SimpleNamespace

import pytest

from tests.cli_stack import deploy, run
from tests.gateway import Answer, serving
from tidemark.aws.directory import DynamoDirectory
from tidemark.aws.secrets import SecretsManagerTokenKeys
from tidemark.domain.errors import Undeliverable
from tidemark.domain.messages import Delivery, Notice
from tidemark.http.app import create_app
from tidemark.observability import logger
from tidemark_cli.commands import notify

UNAVAILABLE = Answer(503, {"retry-after": "1"}, b'{"code":"unavailable","message":"later"}')


class Messenger:
    """Takes messages by user and id; `full` refuses them."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Notice]] = []
        self.full = False

    def notify(self, workspace: str, notice: Notice, now: datetime) -> Delivery:
        if self.full:
            raise Undeliverable("the inbox of the user is full", field="user")
        self.sent.append((workspace, notice))
        return Delivery("thread", 1) if notice.thread else Delivery()


@pytest.fixture
def refusals() -> list[Answer]:
    """What the server answers before it begins to work."""
    return []


@pytest.fixture
def messenger(aws: None, monkeypatch: pytest.MonkeyPatch, refusals: list[Answer]) -> Iterator[Messenger]:
    monkeypatch.setattr(notify, "full_jitter_seconds", lambda _attempt: 0.0)
    logger()  # made before the command puts its own standard output in place, which ends with it
    made, services = Messenger(), SimpleNamespace()
    with serving(create_app(services), refusals) as url:
        stack = deploy(monkeypatch, http_url=url)
        services.directory = DynamoDirectory(stack.directory_table, 90)
        services.token_keys = SecretsManagerTokenKeys(stack.token_secret_arn)
        services.messenger = made
        run("workspace", "create", "acme")
        yield made


def test_a_message_goes_to_its_user(messenger: Messenger) -> None:
    told = run("notify", "ada", "--workspace", "acme", "--thread", "t1", "--body", '{"text":"hello"}').stdout
    [(workspace, notice)] = messenger.sent
    assert (workspace, notice.user, notice.thread, notice.body) == ("acme", "ada", "t1", {"text": "hello"})
    assert notice.message_id in told
    assert "connections of the thread" in told
    assert "the inbox" in run("notify", "ada", "--workspace", "acme", "--body", "{}").stdout


def test_a_message_that_is_sent_again_keeps_its_id(messenger: Messenger, refusals: list[Answer]) -> None:
    refusals += [UNAVAILABLE, UNAVAILABLE]
    assert "trying again" in run("notify", "ada", "--workspace", "acme", "--body", "{}", "--message-id", "m1").stderr
    assert [notice.message_id for _, notice in messenger.sent] == ["m1"]


def test_a_server_that_stays_away_is_told(messenger: Messenger, refusals: list[Answer]) -> None:
    refusals += [UNAVAILABLE] * notify.ATTEMPTS
    assert "later [unavailable]" in run("notify", "ada", "--workspace", "acme", "--body", "{}", fails=1).stderr


def test_an_answer_that_is_not_ours_is_told(messenger: Messenger, refusals: list[Answer]) -> None:
    refusals.append(Answer(404, {}, b"<html>"))
    assert "not as Tidemark does" in run("notify", "ada", "--workspace", "acme", "--body", "{}", fails=1).stderr


def test_a_full_inbox_is_told(messenger: Messenger) -> None:
    messenger.full = True
    assert "is full [undeliverable]" in run("notify", "ada", "--workspace", "acme", "--body", "{}", fails=1).stderr


@pytest.mark.parametrize("body", ["{", "[]", "hello", "[" * 100_000])
def test_a_body_that_is_no_object_is_asked_for_again(messenger: Messenger, body: str) -> None:
    run("notify", "ada", "--workspace", "acme", "--body", body, fails=2)
    assert messenger.sent == []
