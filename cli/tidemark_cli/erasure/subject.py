"""Whom an erasure is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from tidemark.domain.events import MAX_ID_CHARACTERS
from tidemark_cli.errors import UsageError
from tidemark_cli.screen import printable

Kind = Literal["user", "anonymous", "session"]


@dataclass(frozen=True, slots=True)
class Subject:
    """A user, an anonymous visitor or a session, by the id that events carry."""

    kind: Kind
    id: str

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Answer whether an event is about the subject."""
        return bool(event.get(self.field) == self.id)

    @property
    def field(self) -> str:
        """The field of an event, and the column of an archived one, that has the id."""
        return f"{self.kind}_id"

    @property
    def key(self) -> str:
        """What stands for the subject where its id must not: 128 bits of a hash."""
        return sha256(f"{self.kind}#{self.id}".encode()).hexdigest()[:32]

    def __str__(self) -> str:
        return f"{self.kind} {printable(self.id)}"


def chosen_subject(user: str | None, anonymous: str | None, session: str | None) -> Subject:
    """Return the one that was named; raises `UsageError` for none, several, or an id that no event may have."""
    given: dict[Kind, str | None] = {"user": user, "anonymous": anonymous, "session": session}
    named = [Subject(kind, name) for kind, name in given.items() if name is not None]
    if len(named) != 1:
        raise UsageError("whom?", "give one of --user ID, --anonymous ID, --session ID; for several, run it for each")
    (subject,) = named
    if not 1 <= len(subject.id) <= MAX_ID_CHARACTERS or subject.id != subject.id.encode(errors="replace").decode():
        raise UsageError(f"an id has 1 to {MAX_ID_CHARACTERS} characters of valid Unicode")
    return subject
