"""Write keys and tokens."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from tidemark.domain.credentials import (
    WRITE_KEY_CHARACTERS,
    Action,
    Principal,
    Role,
    hash_write_key,
    issue_ticket,
    issue_token,
    new_write_key,
    require,
    verify_token,
)
from tidemark.domain.errors import Forbidden, Unauthorized

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
NOW_SECONDS = int(NOW.timestamp())
SECRETS = {"k1": "1" * 64, "k2": "2" * 64}
CLAIMS = {"ws": "demo", "role": "read", "iat": NOW_SECONDS, "exp": NOW_SECONDS + 60}


def token(claims: dict[str, Any] | None = None, secret: str = SECRETS["k1"], **headers: Any) -> str:
    return jwt.encode(CLAIMS if claims is None else claims, secret, algorithm="HS256", headers={"kid": "k1", **headers})


def verify(credential: str, now: datetime = NOW) -> Principal:
    return verify_token(credential, secret_of=SECRETS.get, now=now)


def test_a_write_key_has_192_random_bits_and_is_safe_in_a_url() -> None:
    key = new_write_key(lambda count: b"\xff" * count)
    assert key == "tmk_" + "_" * 32
    assert len(key) == WRITE_KEY_CHARACTERS
    assert hash_write_key("tmk_abc") == "e0477b9b57b163b5ef42b3605999a7f577748c86fa5bae950a4f1f554fb62673"


def test_a_token_stands_for_its_workspace_and_role_until_it_expires() -> None:
    issued = issue_token("demo", "admin", kid="k2", secret=SECRETS["k2"], issued_at=NOW, lifetime=timedelta(hours=1))
    assert verify(issued) == Principal("demo", "admin", NOW_SECONDS + 3600)
    assert verify(issued, NOW + timedelta(minutes=59)).workspace == "demo"
    with pytest.raises(Unauthorized) as caught:
        verify(issued, NOW + timedelta(hours=1))
    assert caught.value.code == "token_expired"


def unsigned(header: dict[str, Any]) -> str:
    parts = (json.dumps(part).encode() for part in (header, CLAIMS))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."


@pytest.mark.parametrize(
    "credential",
    [
        "",
        "x",
        "a.b.c",
        "\ud800.\ud800.\ud800",
        "é.é.é",
        "x" * 6000,
        token() + "x",
        token(secret="3" * 64),
        token(kid="k2"),
        token(kid="k9"),
        token(kid=""),
        unsigned({"alg": "none", "kid": "k1"}),
        unsigned({"alg": "none"}),
        jwt.encode(CLAIMS, SECRETS["k1"], algorithm="HS512", headers={"kid": "k1"}),
        jwt.encode(CLAIMS, SECRETS["k1"], algorithm="HS256"),
        *(token({name: value for name, value in CLAIMS.items() if name != missing}) for missing in CLAIMS),
        token({**CLAIMS, "ws": ""}),
        token({**CLAIMS, "ws": 5}),
        token({**CLAIMS, "role": "write"}),
        token({**CLAIMS, "role": "root"}),
        token({**CLAIMS, "role": ["read"]}),
        token({**CLAIMS, "exp": "later"}),
        token({**CLAIMS, "exp": 1e400}),
        token({**CLAIMS, "exp": True}),
        token({**CLAIMS, "iat": NOW_SECONDS + 61}),
        token({**CLAIMS, "nbf": 2**40}),
        token({**CLAIMS, "sub": ""}),
        token({**CLAIMS, "sub": 5}),
        token({**CLAIMS, "sub": "a" * 257}),
        token({**CLAIMS, "sub": "\ud800"}),
        token({**CLAIMS, "use": "other"}),
        token({**CLAIMS, "use": ["ticket"]}),
    ],
)
def test_a_token_that_is_not_wholly_right_is_refused(credential: str) -> None:
    with pytest.raises(Unauthorized) as caught:
        verify(credential)
    assert caught.value.code == "unauthorized"


def test_a_token_may_stand_for_a_user() -> None:
    user = "😀" * 256
    issued = issue_token(
        "demo", "read", kid="k1", secret=SECRETS["k1"], issued_at=NOW, lifetime=timedelta(hours=1), user=user
    )
    assert verify(issued) == Principal("demo", "read", NOW_SECONDS + 3600, user)
    assert verify(token()).user is None


HOLDER = Principal("demo", "admin", NOW_SECONDS + 3600, "ann")


def ticket(holder: Principal = HOLDER) -> str:
    return issue_ticket(holder, kid="k2", secret=SECRETS["k2"], issued_at=NOW)


def redeem(credential: str, now: datetime = NOW) -> Principal:
    return verify_token(credential, secret_of=SECRETS.get, now=now, tickets=True)


def test_a_ticket_stands_for_whom_its_token_does_and_for_as_long() -> None:
    assert redeem(ticket()) == HOLDER
    assert redeem(ticket(Principal("demo", "read", NOW_SECONDS + 90))) == Principal("demo", "read", NOW_SECONDS + 90)
    assert redeem(token()) == verify(token()), "a token is taken where tickets are, too"


@pytest.mark.parametrize(("ends_in_seconds", "age_seconds"), [(3600, 60), (30, 30)])
def test_a_ticket_ends_after_a_minute_or_with_its_token(ends_in_seconds: int, age_seconds: int) -> None:
    issued = ticket(Principal("demo", "read", NOW_SECONDS + ends_in_seconds))
    assert redeem(issued, NOW + timedelta(seconds=age_seconds - 1))
    with pytest.raises(Unauthorized) as caught:
        redeem(issued, NOW + timedelta(seconds=age_seconds))
    assert caught.value.code == "token_expired"


def test_a_ticket_is_no_token() -> None:
    with pytest.raises(Unauthorized, match="only opens a WebSocket") as caught:
        verify(ticket())
    assert caught.value.code == "unauthorized"


@pytest.mark.parametrize("until", [None, "later", 1.5, True])
def test_a_ticket_says_when_its_token_ends(until: object) -> None:
    claims = {**CLAIMS, "use": "ticket"} | ({} if until is None else {"until": until})
    with pytest.raises(Unauthorized):
        redeem(token(claims))


def test_a_clock_a_little_ahead_at_the_issuer_does_no_harm() -> None:
    assert verify(token({**CLAIMS, "iat": NOW_SECONDS + 60})).role == "read"


@pytest.mark.parametrize(
    ("role", "action", "allowed"),
    [
        ("write", "ingest", True),
        ("write", "read", False),
        ("write", "administer", False),
        ("read", "ingest", True),
        ("read", "read", True),
        ("read", "administer", False),
        ("admin", "ingest", True),
        ("admin", "read", True),
        ("admin", "administer", True),
    ],
)
def test_a_role_may_do_what_the_protocol_says(role: Role, action: Action, allowed: bool) -> None:
    if allowed:
        require(Principal("demo", role), "demo", action)
    else:
        with pytest.raises(Forbidden):
            require(Principal("demo", role), "demo", action)


@pytest.mark.parametrize("action", ["ingest", "read", "administer"])
def test_nobody_may_do_anything_in_another_workspace(action: Action) -> None:
    with pytest.raises(Forbidden) as caught:
        require(Principal("demo", "admin"), "other", action)
    assert caught.value.code == "forbidden"
