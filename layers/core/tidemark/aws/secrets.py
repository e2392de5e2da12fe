"""The secret that holds the keys of tokens: flat JSON, `{"current": "k1", "k1": "<secret>", …}`.

Rotation adds a key, makes it `current`, and removes the old one when the last token that it signed has expired. The
object is flat because that is what CloudFormation's GenerateSecretString can make.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from threading import Lock

from tidemark.aws.clients import secretsmanager, translated
from tidemark.domain.errors import Throttled, Unavailable

FRESH_SECONDS = 300
RELOAD_SECONDS = 10
"""An unknown key id loads the secret again, for it may have been rotated; not more often, for anyone can send one."""

_CURRENT = "current"


class SecretsManagerTokenKeys:
    """The `TokenKeys` port; the secret is kept for 5 minutes, and for longer while it cannot be loaded again.

    Parameters
    ----------
    secret_arn
        The secret's ARN or name.
    clock
        A monotonic clock, in seconds.
    """

    def __init__(self, secret_arn: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._secret_arn = secret_arn
        self._clock = clock
        self._keys: dict[str, str] = {}
        self._loaded_at = float("-inf")
        self._tried_at = float("-inf")
        self._lock = Lock()

    def secret(self, kid: str) -> str | None:
        """Return the secret of a key, or None if there is no such key."""
        if kid == _CURRENT:
            return None
        keys = self._fresh()
        if kid not in keys and self._clock() - self._tried_at >= RELOAD_SECONDS:
            keys = self._load()
        return keys.get(kid)

    def current(self) -> tuple[str, str]:
        """Return the key id and the secret that new tokens are signed with."""
        keys = self._fresh()
        return keys[_CURRENT], keys[keys[_CURRENT]]

    def _fresh(self) -> dict[str, str]:
        with self._lock:
            age = self._clock() - self._loaded_at
            waited = self._clock() - self._tried_at
        # Once it has failed, the secret is not asked for at every request.
        if age < FRESH_SECONDS or (self._keys and waited < RELOAD_SECONDS):
            return self._keys
        return self._load()

    def _load(self) -> dict[str, str]:
        with self._lock:
            self._tried_at = self._clock()
            try:
                with translated():
                    text = secretsmanager().get_secret_value(SecretId=self._secret_arn)["SecretString"]
            except (Throttled, Unavailable):
                if not self._keys:
                    raise
                return self._keys
            self._keys = _parse(text)
            self._loaded_at = self._clock()
            return self._keys


def _parse(text: str) -> dict[str, str]:
    """Return the keys, and `current`; raises ValueError, which never quotes the secret."""
    try:
        keys = json.loads(text)
    except ValueError:
        keys = None
    if not isinstance(keys, dict) or not all(isinstance(value, str) and value for value in keys.values()):
        raise ValueError("the token secret is not a JSON object of strings")
    if keys.get(_CURRENT) not in keys.keys() - {_CURRENT}:
        raise ValueError("the token secret has no current key")
    return keys
