"""The composition root: every service over its AWS adapters, made once a process and on first use."""

from __future__ import annotations

import time
from datetime import datetime
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING
from uuid import uuid4

from tidemark.aws.agenda import DynamoAgenda
from tidemark.aws.cells import DynamoCells
from tidemark.aws.connections import DynamoConnections
from tidemark.aws.directory import DynamoDirectory
from tidemark.aws.event_log import DynamoEventLog
from tidemark.aws.inbox import DynamoInbox
from tidemark.aws.insights import DynamoInsights
from tidemark.aws.listeners import DynamoListeners
from tidemark.aws.rollup_queue import SqsRollupQueue
from tidemark.aws.secrets import SecretsManagerTokenKeys
from tidemark.aws.session_index import DynamoSessionIndex
from tidemark.aws.snapshots import DynamoSnapshots
from tidemark.aws.sockets import ApiGatewaySockets
from tidemark.domain.definitions import shipped
from tidemark.observability import DeliveryLog, log_health_step, log_unanswered, logger
from tidemark.services.broadcast import Broadcast
from tidemark.services.delivery import Messenger
from tidemark.services.fold import FoldChunks
from tidemark.services.folds import Folds
from tidemark.services.insights import InsightTimeline
from tidemark.services.late_hours import LateHours
from tidemark.services.repairs import Repairs
from tidemark.services.slide import Slide
from tidemark.services.timeline import DeclaredFields, IndexSessions, Timelines
from tidemark.services.views import Views
from tidemark.services.watching import Watching
from tidemark.settings import settings, tables_of

if TYPE_CHECKING:
    from tidemark.services.archive import ArchiveHour
    from tidemark.services.closing_ports import Runs
    from tidemark.services.data_health import DataHealth
    from tidemark.services.dispatch import Dispatch
    from tidemark.services.health import HealthCheck, Probes, Reports
    from tidemark.services.hourly import HourlyTable
    from tidemark.services.query import Metrics
    from tidemark.services.rollup import Rollup


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
    def websocket_url(self) -> str:
        """Where clients open WebSockets."""
        return settings().websocket_url

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
        """Views, rendered and kept up; what their cells lack is put on the agenda."""
        return self._views(Repairs(self.agenda))

    @cached_property
    def watching(self) -> Watching:
        """What viewers ask."""
        return Watching(self.snapshots, self.connections, self._views(None))

    def _views(self, repairs: Repairs | None) -> Views:
        stored = self.cells, self.snapshots, self.connections
        return Views(*stored, shipped, lambda: uuid4().hex[:12], self.directory, self.insights, repairs)

    @cached_property
    def insights(self) -> DynamoInsights:
        """The insights of batches, to be read."""
        return DynamoInsights(settings().work_table)

    @cached_property
    def insight_timeline(self) -> InsightTimeline:
        """What tells the insights of a workspace."""
        return InsightTimeline(self.insights)

    @cached_property
    def fold(self) -> FoldChunks:
        """The fold."""
        return FoldChunks(self.directory, self.cells, self.views, LateHours(self.agenda, self.rollup_queue), self.folds)

    @cached_property
    def index_sessions(self) -> IndexSessions:
        """What finds the events of a session."""
        return IndexSessions(self.directory, self.timeline_fields, self.session_index)

    @cached_property
    def timelines(self) -> Timelines:
        """What reads the timelines of sessions."""
        return Timelines(self.timeline_fields, self.session_index, self.event_log)

    @cached_property
    def timeline_fields(self) -> DeclaredFields:
        """What timelines show."""
        return DeclaredFields(shipped)

    @cached_property
    def session_index(self) -> DynamoSessionIndex:
        """Which chunks have events of a session."""
        return DynamoSessionIndex(settings().work_table)

    @cached_property
    def folds(self) -> Folds:
        """The compiled dashboards."""
        return Folds(shipped)

    @cached_property
    def agenda(self) -> DynamoAgenda:
        """Which hours have events, and which periods are due."""
        return DynamoAgenda(settings().work_table)

    @cached_property
    def rollup_queue(self) -> SqsRollupQueue:
        """The queue of periods to close."""
        return SqsRollupQueue(settings().rollup_queue_url)

    @cached_property
    def metrics(self) -> Metrics:
        """What answers queries of metrics; imported here, since one function alone does."""
        from tidemark.aws.days import DynamoDays
        from tidemark.services.query import Metrics
        from tidemark.services.rows import RowReader
        from tidemark.services.sources import HourSources

        hours = HourSources(self.cells, self.event_log, self.folds)
        reader = RowReader(self.agenda, DynamoDays(settings().cells_table), hours, Repairs(self.agenda))
        return Metrics(reader, shipped)

    @cached_property
    def hourly_table(self) -> HourlyTable:
        """What reads hourly tables; imported here, since one function alone does."""
        from tidemark.services.hourly import HourlyTable

        return HourlyTable(self.directory, self.event_log, self.cells, self.agenda, self.folds, shipped)

    @cached_property
    def runs(self) -> Runs:
        """The record of the rollup."""
        from tidemark.aws.runs import DynamoRuns

        return DynamoRuns(settings().work_table)

    @cached_property
    def rollup(self) -> Rollup:
        """The rollup; imported here, since one function alone runs it."""
        from tidemark.aws.archive_queue import SqsArchiveQueue
        from tidemark.aws.days import DynamoDays
        from tidemark.services.close_days import CloseDays
        from tidemark.services.rollup import Rollup

        days = CloseDays(self.directory, self.cells, DynamoDays(settings().cells_table), self.agenda)
        return Rollup(
            self.directory,
            self.event_log,
            self.cells,
            days,
            self.agenda,
            self.runs,
            self.views,
            self.folds,
            SqsArchiveQueue(settings().archive_queue_url),
            time.monotonic,
        )

    @cached_property
    def archive(self) -> ArchiveHour:
        """What archives hours; imported here, since one function alone does, and alone has what it needs."""
        from tidemark.aws.archive import S3Archive
        from tidemark.services.archive import ArchiveHour

        return ArchiveHour(self.directory, self.event_log, S3Archive(settings().archive_bucket))

    @cached_property
    def dispatch(self) -> Dispatch:
        """What sends the rollup's jobs."""
        from tidemark.services.dispatch import Dispatch

        return Dispatch(self.agenda, self.rollup_queue, self.runs, time.monotonic)

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

    @cached_property
    def slide(self) -> Slide:
        """What renders views anew when their hour has moved on."""
        return Slide(self.directory, self.views)

    @cached_property
    def inbox(self) -> DynamoInbox:
        """Messages to users that are not acknowledged."""
        return DynamoInbox(settings().inbox_table)

    @cached_property
    def listeners(self) -> DynamoListeners:
        """Which connections take messages to users."""
        return DynamoListeners(settings().connections_table)

    @cached_property
    def messenger(self) -> Messenger:
        """What brings messages to users."""
        return Messenger(self.inbox, self.listeners, self.connections, self.sockets, DeliveryLog())

    @cached_property
    def health_reports(self) -> Reports:
        """What the health check found last."""
        from tidemark.aws.health import DynamoReports, RecentReports

        return RecentReports(DynamoReports(settings().directory_table))

    @cached_property
    def health_probes(self) -> Probes:
        """The dependencies, to be asked right now."""
        from tidemark.aws.health import AwsProbes

        return AwsProbes(tables_of(settings()), settings().token_secret_arn)

    @cached_property
    def data_health(self) -> DataHealth:
        """What tells the health of the data."""
        from tidemark.aws.record import DynamoRecord
        from tidemark.aws.tables import DynamoTables
        from tidemark.services.data_health import DataHealth

        record = DynamoRecord(settings().work_table)
        return DataHealth(DynamoTables(tables_of(settings())), self.agenda, record, log_unanswered)

    @cached_property
    def health_check(self) -> HealthCheck:
        """The health check; imported here, since one function alone runs it."""
        from tidemark.aws.health import DynamoCanary, DynamoReports
        from tidemark.outside import RealOutside
        from tidemark.services.canary import Store, Visit
        from tidemark.services.health import HealthCheck

        outside, canary = RealOutside(settings().http_url), DynamoCanary(settings().directory_table)
        store = Store(canary.ensure_workspace, self.connections, self.listeners)

        def visit(now: datetime) -> Visit:
            # The secret is loaded for each visit: a cached one would hide that it cannot be.
            token_keys = SecretsManagerTokenKeys(settings().token_secret_arn)
            return Visit(outside, store, token_keys, uuid4().hex, now, time.sleep)

        reports, period_seconds = DynamoReports(settings().directory_table), settings().health_minutes * 60
        return HealthCheck(visit, reports, period_seconds, time.monotonic, log_health_step)


@lru_cache(maxsize=1)
def container() -> Container:
    """Return the container of this process."""
    return Container()
