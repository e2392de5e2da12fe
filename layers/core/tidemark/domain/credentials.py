"""Credentials: write keys, which only send events; tokens, which read; tickets, which open a WebSocket for a token."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from tidemark.domain.errors import Forbidden, Unauthorized

Role = Literal["read", "admin", "write"]
TokenRole = Literal["read", "admin"]
Action = Literal["ingest", "read", "administer"]

WRITE_KEY_PREFIX = "tmk_"
WRITE_KEY_CHARACTERS = len(WRITE_KEY_PREFIX) + 32
ALGORITHM = "HS256"
"""The only one that is accepted, whatever a token's header says (RFC 8725, section 3.1)."""
MAX_TOKEN_CHARACTERS = 5120
"""A user id of 256 characters may need 4,096 of them: JSON escapes one to 12, of which base 64 makes 16."""
CLOCK_TOLERANCE = timedelta(minutes=1)
"""How far ahead the clock of the machine that issued a token may be."""

MAX_USER_CHARACTERS = 256
TICKET_LIFETIME = timedelta(minutes=1)
"""A ticket stands in an address, which ends up in logs: it must be worthless by then."""
TICKET = "ticket"

_MAY: dict[Role, frozenset[Action]] = {
    "write": frozenset({"ingest"}),
    "read": frozenset({"ingest", "read"}),
    "admin": frozenset({"ingest", "read", "administer"}),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a request comes from: a workspace, a role and, for a token, the Unix second at which it ends.

    `user` is the id of the person that a token stands for, if it does for one.
    """

    workspace: str
    role: Role
    expires_at: int | None = None
    user: str | None = None


def require(principal: Principal, workspace: str, action: Action) -> None:
    """Raise `Forbidden` unless `principal` may do `action` in `workspace`."""
    if principal.workspace != workspace:
        raise Forbidden("the credential belongs to another workspace")
    if action not in _MAY[principal.role]:
        raise Forbidden(f"a credential of role {principal.role} may not {action}")


def new_write_key(random_bytes: Callable[[int], bytes]) -> str:
    """Return a new write key with 192 bits from `random_bytes` (`secrets.token_bytes`, but for tests)."""
    return WRITE_KEY_PREFIX + base64.urlsafe_b64encode(random_bytes(24)).decode()


def hash_write_key(write_key: str) -> str:
    """Return the SHA-256 (hex) under which a key is stored; without a salt, since 192 random bits need none."""
    return hashlib.sha256(write_key.encode(errors="replace")).hexdigest()


def issue_token(
    workspace: str,
    role: TokenRole,
    *,
    kid: str,
    secret: str,
    issued_at: datetime,
    lifetime: timedelta,
    user: str | None = None,
) -> str:
    """Return a token for `role` in `workspace`, of `user` (1 to 256 characters) if given, signed with the key `kid`."""
    issued_at_seconds = int(issued_at.timestamp())
    claims = {
        "ws": workspace,
        "role": role,
        "iat": issued_at_seconds,
        "exp": issued_at_seconds + int(lifetime.total_seconds()),
    }
    return _signed(claims, user, kid, secret)


def issue_ticket(principal: Principal, *, kid: str, secret: str, issued_at: datetime) -> str:
    """Return a ticket for whom a token stands for; `until` is the end of that token."""
    issued_at_seconds = int(issued_at.timestamp())
    claims = {
        "use": TICKET,
        "ws": principal.workspace,
        "role": principal.role,
        "iat": issued_at_seconds,
        "exp": issued_at_seconds + int(TICKET_LIFETIME.total_seconds()),
        "until": principal.expires_at,
    }
    return _signed(claims, principal.user, kid, secret)


def verify_token(
    token: str, *, secret_of: Callable[[str], str | None], now: datetime, tickets: bool = False
) -> Principal:
    """Return whom `token` stands for.

    Parameters
    ----------
    secret_of
        The secret of a key by its id, None if there is no such key.
    now
        The time by which the token is judged.
    tickets
        Whether a ticket is taken as well; whom it stands for lasts until its token ends.

    Raises
    ------
    Unauthorized
        The token is malformed, wrongly signed or incomplete, or (code `token_expired`) its time is over; or it is a
        ticket where none is taken.
    """
    import jwt  # Here, because only what issues or verifies tokens pays for its import.

    refused = Unauthorized("the token is not valid")
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise refused
    try:
        kid = jwt.get_unverified_header(token).get("kid")
        secret = secret_of(kid) if isinstance(kid, str) and kid else None
        if not secret:
            raise refused
        # The library reads the clock by itself; here time is an argument, so the times are judged below.
        claims = jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            options={"require": ["ws", "role", "iat", "exp"], "verify_exp": False, "verify_iat": False},
        )
    except (jwt.InvalidTokenError, UnicodeError):
        raise refused from None
    return _principal(claims, int(now.timestamp()), tickets)


def is_user(value: object) -> bool:
    """Answer whether `value` may be the id of a user: 1 to 256 characters of valid Unicode."""
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_USER_CHARACTERS:
        return False
    return value == value.encode(errors="replace").decode()


def _signed(claims: dict[str, Any], user: str | None, kid: str, secret: str) -> str:
    import jwt

    return jwt.encode(
        claims | ({} if user is None else {"sub": user}), secret, algorithm=ALGORITHM, headers={"kid": kid}
    )


def _principal(claims: dict[str, Any], now_seconds: int, tickets: bool) -> Principal:
    workspace, role, issued_at, expires_at = (claims[name] for name in ("ws", "role", "iat", "exp"))
    use, user = claims.get("use"), claims.get("sub")
    if use is not None and not (use == TICKET and tickets):
        raise Unauthorized("a ticket only opens a WebSocket" if use == TICKET else "the token is not valid")
    until = claims.get("until") if use == TICKET else expires_at
    if not (isinstance(workspace, str) and workspace and role in get_args(TokenRole)):
        raise Unauthorized("the token is not valid")
    if not (type(issued_at) is int and type(expires_at) is int and type(until) is int):
        raise Unauthorized("the token is not valid")
    if user is not None and not is_user(user):
        raise Unauthorized("the token is not valid")
    if issued_at > now_seconds + CLOCK_TOLERANCE.total_seconds():
        raise Unauthorized("the token is not valid yet")
    if min(expires_at, until) <= now_seconds:
        raise Unauthorized("the token has expired", code="token_expired")
    return Principal(workspace, role, until, user)
