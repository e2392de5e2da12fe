"""The composition root: every service over its AWS adapters, made once a process and on first use."""

from __future__ import annotations

from functools import cached_property, lru_cache
from uuid import uuid4

from tidemark.aws.cells import DynamoCells
from tidemark.aws.connections import DynamoConnections
from tidemark.aws.directory import DynamoDirectory
from tidemark.aws.event_log import DynamoEventLog
from tidemark.aws.secrets import SecretsManagerTokenKeys
from tidemark.aws.snapshots import DynamoSnapshots
from tidemark.aws.sockets import ApiGatewaySockets
from tidemark.domain.definitions import shipped
from tidemark.observability import logger
from tidemark.services.broadcast import Broadcast
from tidemark.services.fold import FoldChunks
from tidemark.services.views import Views
from tidemark.services.watching import Watching
from tidemark.settings import settings


class Container:
    """What handlers may use; each attribute needs only its own settings."""

    @cached_property
    def directory(self) -> DynamoDirectory:
        """Workspaces and write keys."""
        return DynamoDirectory(settings().directory_table, settings().retention_days)

    @cached_property
    def token_keys(self) -> SecretsManagerTokenKeys:
        """The keys that sign tokens."""
        return SecretsManagerTokenKeys(settings().token_secret_arn)

    @cached_property
    def event_log(self) -> DynamoEventLog:
        """The log of chunks."""
        return DynamoEventLog(settings().events_table)

    @cached_property
    def cells(self) -> DynamoCells:
        """Hour cells."""
        return DynamoCells(settings().cells_table)

    @cached_property
    def snapshots(self) -> DynamoSnapshots:
        """Heads and delta logs."""
        return DynamoSnapshots(settings().snapshots_table)

    @cached_property
    def connections(self) -> DynamoConnections:
        """Leases, subscriptions and watches."""
        return DynamoConnections(settings().connections_table)

    @cached_property
    def sockets(self) -> ApiGatewaySockets:
        """The WebSocket connections."""
        return ApiGatewaySockets(settings().callback_endpoint)

    @cached_property
    def views(self) -> Views:
        """Views, rendered and kept up."""
        return Views(self.cells, self.snapshots, self.connections, shipped, lambda: uuid4().hex[:12])

    @cached_property
    def watching(self) -> Watching:
        """What viewers ask."""
        return Watching(self.snapshots, self.connections, self.views)

    @cached_property
    def fold(self) -> FoldChunks:
        """The fold."""
        return FoldChunks(self.directory, self.cells, self.connections, self.views, shipped)

    @cached_property
    def broadcast(self) -> Broadcast:
        """The broadcast."""
        return Broadcast(
            self.connections,
            self.sockets,
            lambda connection, error: logger().warning(
                "push failed", extra={"connection": connection, "reason": repr(error) if error else "too slow"}
            ),
        )


@lru_cache(maxsize=1)
def container() -> Container:
    """Return the container of this process."""
    return Container()
