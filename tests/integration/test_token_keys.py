"""The keys of tokens in Secrets Manager."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from tests.conftest import TOKEN_SECRETS
from tests.faults import Faults, without_pauses
from tidemark.aws.clients import secretsmanager
from tidemark.aws.secrets import FRESH_SECONDS, RELOAD_SECONDS, SecretsManagerTokenKeys
from tidemark.domain.errors import Unavailable


class World:
    """A clock, the secret and the count of how often it was loaded."""

    def __init__(self, secret_arn: str) -> None:
        self.now = 0.0
        self.faults = Faults(secretsmanager())
        self.arn = secret_arn
        self.keys = SecretsManagerTokenKeys(secret_arn, lambda: self.now)

    def store(self, text: str) -> None:
        secretsmanager().put_secret_value(SecretId=self.arn, SecretString=text)
        self.faults.calls = 0


@pytest.fixture
def world(tables: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> World:
    without_pauses(monkeypatch)
    return World(tables.token_secret)


def test_keys_are_found_by_id_and_loaded_once(world: World) -> None:
    assert world.keys.current() == ("k1", TOKEN_SECRETS["k1"])
    assert [world.keys.secret(kid) for kid in ("k1", "k2")] == [TOKEN_SECRETS["k1"], TOKEN_SECRETS["k2"]]
    assert world.faults.calls == 1


def test_the_name_of_the_current_key_is_no_key(world: World) -> None:
    assert world.keys.secret("current") is None


def test_a_rotated_key_is_found_at_once_and_unknown_ids_do_not_hammer_the_secret(world: World) -> None:
    world.keys.current()
    world.store(json.dumps({"current": "k3", "k3": "3" * 64}))
    world.now = RELOAD_SECONDS
    assert world.keys.secret("k3") == "3" * 64
    assert world.faults.calls == 1
    for _ in range(100):
        assert world.keys.secret("k9") is None
    assert world.faults.calls == 1
    assert world.keys.secret("k1") is None


def test_a_removed_key_ends_after_5_minutes(world: World) -> None:
    world.keys.current()
    world.store(json.dumps({"current": "k2", "k2": TOKEN_SECRETS["k2"]}))
    world.now = FRESH_SECONDS - 1
    assert world.keys.secret("k1")
    world.now = FRESH_SECONDS
    assert world.keys.secret("k1") is None


def test_known_keys_stay_in_use_while_the_secret_cannot_be_loaded(world: World) -> None:
    world.keys.current()
    world.faults.time_out()
    world.faults.calls = 0
    world.now = FRESH_SECONDS * 10
    assert world.keys.secret("k1") == TOKEN_SECRETS["k1"]
    attempts = world.faults.calls
    assert world.keys.secret("k1") == TOKEN_SECRETS["k1"]
    assert world.faults.calls == attempts
    world.faults.none()
    world.store(json.dumps({"current": "k3", "k3": "3" * 64}))
    world.now += RELOAD_SECONDS
    assert world.keys.current() == ("k3", "3" * 64)


def test_without_any_key_an_outage_is_an_outage(world: World) -> None:
    world.faults.time_out()
    with pytest.raises(Unavailable):
        world.keys.secret("k1")


@pytest.mark.parametrize(
    "text",
    [
        "swordfish",
        "[]",
        "{}",
        '{"current":"k1"}',
        '{"current":"current"}',
        '{"current":"k1","k2":"swordfish"}',
        '{"current":"k1","k1":""}',
        '{"current":"k1","k1":{"swordfish":1}}',
    ],
)
def test_a_secret_of_the_wrong_form_is_a_defect_that_does_not_quote_it(world: World, text: str) -> None:
    world.store(text)
    with pytest.raises(ValueError, match="token secret") as caught:
        world.keys.current()
    assert "swordfish" not in str(caught.value)
    assert caught.value.__cause__ is None
