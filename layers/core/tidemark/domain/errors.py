"""Every error that Tidemark raises on purpose.

::

    TidemarkError                 code, message, field
    ├── InvalidRequest            400  the caller's fault; `code` says which
    │   ├── InvalidView           400
    │   │   └── RangeExpired      400
    │   ├── InvalidQuery          400
    │   ├── UnknownDashboard      404
    │   └── NotFound              404  a thing that the request names; `code` says what
    ├── RequestTooLarge           413
    ├── Unauthorized              401
    ├── Forbidden                 403
    ├── Undeliverable             409
    ├── WrongState                409
    ├── TooManyViews              429
    ├── Throttled                 429  retry after `retry_after_seconds`
    ├── Unavailable               503  retry after `retry_after_seconds`
    └── Conflict                       another writer was first (never leaves a service)

Definitions that do not hold raise `DefinitionError`, which names file and field. The status codes stand in one table,
`tidemark.http.errors`.
"""

from __future__ import annotations


class TidemarkError(Exception):
    """An error with a stable `code`, a `message` for people and, where one is at fault, the `field`."""

    code = "internal"
    retry_after_seconds: int | None = None

    def __init__(self, message: str, *, code: str | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.field = field

    def as_dict(self) -> dict[str, str]:
        """Return what a caller may see: code, message and, if any, field."""
        body = {"code": self.code, "message": self.message}
        if self.field is not None:
            body["field"] = self.field
        return body


class InvalidRequest(TidemarkError):
    """The request does not have the form that the protocol asks for."""

    code = "invalid_request"


class InvalidView(InvalidRequest):
    """A view whose days, end or dashboard are out of bounds."""

    code = "invalid_view"


class RangeExpired(InvalidView):
    """A view of days of which the workspace keeps no history any more."""

    code = "range_expired"


class InvalidQuery(InvalidRequest):
    """A query of metrics that cannot be answered as it stands; `code` says why."""

    code = "invalid_query"


class UnknownDashboard(InvalidRequest):
    """The workspace has no dashboard of that name."""

    code = "unknown_dashboard"


class NotFound(InvalidRequest):
    """A thing that the request names is not there; `code` says what."""

    code = "not_found"


class RequestTooLarge(TidemarkError):
    """The request is larger than its bound, in bytes or in events."""

    code = "request_too_large"


class Unauthorized(TidemarkError):
    """No credential, or one that is malformed, unknown, revoked or expired."""

    code = "unauthorized"


class Forbidden(TidemarkError):
    """The credential is good, but not for this."""

    code = "forbidden"


class Undeliverable(TidemarkError):
    """A message that can be neither pushed nor kept: the inbox of its user is full."""

    code = "undeliverable"


class WrongState(TidemarkError):
    """What is asked for cannot be done in the state that things are in."""

    code = "wrong_state"


class TooManyViews(TidemarkError):
    """The workspace already watches as many different views as it may."""

    code = "too_many_views"


class Throttled(TidemarkError):
    """The store refused for its rate, also after retries."""

    code = "throttled"
    retry_after_seconds = 2


class Unavailable(TidemarkError):
    """A dependency failed or did not answer, also after retries."""

    code = "unavailable"
    retry_after_seconds = 5


class Conflict(TidemarkError):
    """A conditional write found another state than it expected."""

    code = "conflict"


class DefinitionError(TidemarkError):
    """A dashboard definition that does not hold; the message names file and field."""

    code = "invalid_definition"
