"""The secret that signs tokens: reading it, and rotating it."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tidemark_cli.errors import CliError, UsageError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

ROTATE_HINT = "`tidemark secret rotate` makes the first one"
MAX_TTL = timedelta(days=366)

_TTL = re.compile(r"([1-9]\d{0,8})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The keys in use: tokens are signed with `current` and accepted with any. Layout: `tidemark.aws.secrets`."""

    current: str
    keys: dict[str, str]

    @classmethod
    def parse(cls, text: str) -> SigningKeys | None:
        """Return the keys in the secret; None if it holds none."""
        try:
            keys = json.loads(text)
            current = keys.pop("current")
            return cls(current, keys) if keys[current] else None
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    def rotated(self, kid: str) -> SigningKeys:
        """Return these keys with a new current one, and beside it only the previous one."""
        return SigningKeys(kid, {kid: secrets.token_hex(32), self.current: self.keys[self.current]})

    def __str__(self) -> str:
        return json.dumps({"current": self.current, **self.keys})


def read_signing_keys(client: SecretsManagerClient, arn: str) -> SigningKeys | None:
    """Read the secret; None if there is no key in it."""
    try:
        return SigningKeys.parse(client.get_secret_value(SecretId=arn)["SecretString"])
    except client.exceptions.ResourceNotFoundException:
        client.describe_secret(SecretId=arn)  # raises again if the secret itself is missing, not only its value
        return None


def rotate(client: SecretsManagerClient, arn: str, now: datetime) -> tuple[str, str | None]:
    """Sign with a new key, accept the previous one too, drop those before; return (new kid, previous kid)."""
    keys = read_signing_keys(client, arn)
    kid = f"{now:%Y%m%d}-{secrets.token_hex(3)}"
    rotated = keys.rotated(kid) if keys else SigningKeys(kid, {kid: secrets.token_hex(32)})
    client.put_secret_value(SecretId=arn, SecretString=str(rotated))
    return kid, keys.current if keys else None


def require_signing_keys(client: SecretsManagerClient, arn: str) -> SigningKeys:
    """Read the secret; raises `CliError` if there is no key to sign with."""
    keys = read_signing_keys(client, arn)
    if keys is None:
        raise CliError("the stack has no signing key yet", ROTATE_HINT)
    return keys


def parse_ttl(text: str) -> timedelta:
    """Return the duration that `90s`, `15m`, `12h` or `30d` names, of at most a year."""
    match = _TTL.fullmatch(text.strip())
    ttl = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else timedelta()
    if not timedelta() < ttl <= MAX_TTL:
        raise UsageError(f"{text!r} is not a time to live", f"like 90s, 15m, 12h or 30d, at most {MAX_TTL.days}d")
    return ttl
