"""Expected failures: one line on stderr that says what to do next, never a traceback.

Exit codes: 1 when the command could not do what was asked, 2 when it was asked wrongly, 130 after Ctrl-C.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidemark.domain.errors import TidemarkError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

FAILED = 1
USAGE = 2

START_HINT = "is the stack running? `make up` starts the local one"


class CliError(Exception):
    """A failure that is told in one line: what went wrong and, as `hint`, what to do next."""

    def __init__(self, message: str, hint: str = "", *, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(CliError):
    """The command was asked for something that cannot be."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint, exit_code=USAGE)


def explain(error: Exception) -> CliError | None:
    """Return what to tell about an expected failure; None for a defect, which keeps its traceback."""
    import httpx  # here, since a command that goes well needs neither
    from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError

    match error:
        case CliError():
            return error
        case TidemarkError():
            return CliError(f"{error.message} [{error.code}]")
        case EndpointConnectionError():
            return CliError(f"AWS does not answer at {error.kwargs.get('endpoint_url', 'its endpoint')}", START_HINT)
        case NoCredentialsError():
            return CliError("no AWS credentials found", "set AWS_PROFILE, name one with --profile, or `aws sso login`")
        case ClientError():
            return _explain_client_error(error)
        case BotoCoreError():
            return CliError(f"AWS: {error}")
        case httpx.InvalidURL():
            return UsageError(f"not a URL: {error}")
        case httpx.TransportError():
            return CliError(f"no answer over HTTP: {str(error) or type(error).__name__}", START_HINT)
    return None


def _explain_client_error(error: ClientError) -> CliError:
    detail = error.response.get("Error", {})
    code, message = detail.get("Code", "unknown"), detail.get("Message", "no message")
    hint = ""
    if code in {"ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId"}:
        hint = "log in to AWS again"
    elif code in {"AccessDenied", "AccessDeniedException"}:
        hint = "the AWS identity in use may not do this; name another with --profile"
    elif code == "ResourceNotFoundException":
        hint = "is the stack deployed completely?"
    return CliError(f"AWS refused {error.operation_name}: {message.rstrip('.')} [{code}]", hint)
