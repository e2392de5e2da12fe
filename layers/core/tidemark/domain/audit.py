"""Who has looked at what, and done what, by way of the administration."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from tidemark.domain.credentials import Principal
from tidemark.domain.events import format_timestamp

KEPT_DAYS = 366


@dataclass(frozen=True, slots=True)
class Access:
    """A request: whom its token stands for, and what it does (`action`) to what (`target`) of which `workspace`.

    One that changes nothing is a reading: the same one, by the same, counts together with others of its minute.
    """

    workspace: str
    by: Principal
    action: str
    target: str
    request_id: str
    is_reading: bool

    def name(self, now: datetime) -> str:
        """Return the name under which the access is kept, among those to its workspace; names are in order of time."""
        if not self.is_reading:
            return f"{format_timestamp(now)}#{self.request_id}"
        who = "\0".join([self.by.workspace, self.by.role, self.by.user or "", self.action, self.target])
        minute = format_timestamp(now.replace(second=0, microsecond=0))
        return f"{minute}#{sha256(who.encode(errors='replace')).hexdigest()[:16]}"
