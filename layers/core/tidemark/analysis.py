"""The composition root of the analysis: its services over their AWS adapters, beside `tidemark.bootstrap`.

Each attribute imports what it needs, since every function of the pipeline needs another part of it.
"""

from __future__ import annotations

import random
import time
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING
from uuid import uuid4

from tidemark.aws.analysis_queue import SqsAnalysisQueue, SqsDeadLetters
from tidemark.aws.jobs import DynamoJobs
from tidemark.bootstrap import Container, container
from tidemark.domain.definitions import shipped
from tidemark.domain.jobs import Pace
from tidemark.observability import AnalysisLog, log_usage, logger
from tidemark.settings import settings

if TYPE_CHECKING:
    from tidemark.aws.batches import DynamoBatches
    from tidemark.services.analyse import Analyse
    from tidemark.services.analysis_ports import Provider
    from tidemark.services.batching import FillBatches
    from tidemark.services.breaker import BreakerChange, CircuitBreaker
    from tidemark.services.bury import BuryJobs
    from tidemark.services.cold_notes import NoteHours, SendHours
    from tidemark.services.cold_storage import StoreHour
    from tidemark.services.jobs import Jobs
    from tidemark.services.operations import SystemEvents
    from tidemark.services.sealing import SealBatches
    from tidemark.services.show_insights import ShowInsights


def _token() -> str:
    return uuid4().hex


class AnalysisContainer:
    """What handlers of the pipeline may use besides `base`; each attribute needs only its own settings."""

    def __init__(self, base: Container) -> None:
        self._base = base
        self.breaker_changes: list[BreakerChange] = []
        """Changes of breakers by this process that are not told yet."""

    @cached_property
    def queue(self) -> SqsAnalysisQueue:
        """The queue of jobs."""
        return SqsAnalysisQueue(settings().analysis_queue_url)

    @cached_property
    def dead_letters(self) -> SqsDeadLetters:
        """The queue of jobs that failed for good."""
        return SqsDeadLetters(settings().analysis_dead_letters_url)

    @cached_property
    def batches(self) -> DynamoBatches:
        """The batches as they are stored."""
        from tidemark.aws.batches import DynamoBatches

        return DynamoBatches(settings().work_table)

    @cached_property
    def fill_batches(self) -> FillBatches:
        """What puts new events into batches."""
        from tidemark.services.batching import FillBatches

        return FillBatches(
            self._base.directory,
            self.batches,
            self.queue,
            lambda jobs, error: logger().warning(
                "jobs are sent later", extra={"jobs": len(jobs), "reason": repr(error)}
            ),
        )

    @cached_property
    def sealing(self) -> SealBatches:
        """What seals batches, and finds jobs that were lost."""
        from tidemark.services.sealing import SealBatches

        return SealBatches(
            self.batches, self.job_store, self.queue, self.dead_letters, self.breaker.read, time.monotonic
        )

    @cached_property
    def job_store(self) -> DynamoJobs:
        """The jobs as they are stored."""
        return DynamoJobs(settings().work_table)

    @cached_property
    def bury(self) -> BuryJobs:
        """What ends jobs that failed for good."""
        from tidemark.services.bury import BuryJobs

        return BuryJobs(self.job_store)

    @cached_property
    def jobs(self) -> Jobs:
        """What does with jobs as operators ask."""
        from tidemark.services.jobs import Jobs

        return Jobs(self.job_store, self.queue, _token)

    @cached_property
    def breaker(self) -> CircuitBreaker:
        """The breaker of the provider in use."""
        from tidemark.aws.breaker import DynamoBreakers
        from tidemark.services.breaker import CircuitBreaker

        name, seconds = settings().analysis_provider, settings().breaker_seconds
        return CircuitBreaker(DynamoBreakers(settings().work_table), name, seconds, self._changed)

    @cached_property
    def analyse(self) -> Analyse:
        """The worker."""
        from tidemark.services.analyse import Analyse
        from tidemark.services.batch_context import BatchContexts

        base = self._base
        contexts = BatchContexts(base.directory, base.event_log, base.cells, base.folds, shipped)
        return Analyse(
            self.job_store,
            self.queue,
            self.dead_letters,
            self.breaker,
            contexts,
            settings().analysis_provider,
            self._provider,
            AnalysisLog(),
            _token,
            time.monotonic,
            random.Random(),  # noqa: S311  # spreads load; nothing secret
            Pace(settings().job_lease_seconds, settings().job_pause_seconds),
        )

    @cached_property
    def show_insights(self) -> ShowInsights:
        """What has viewers see new insights."""
        from tidemark.services.show_insights import ShowInsights

        return ShowInsights(
            self._base.directory,
            self._base.views.refresh_insights,
            lambda workspace, error: logger().warning(
                "insights are not shown yet", extra={"workspace": workspace, "reason": repr(error)}
            ),
        )

    @cached_property
    def note_hours(self) -> NoteHours:
        """What notes the hours that cold storage has to write."""
        from tidemark.aws.cold_notes import DynamoColdNotes
        from tidemark.services.cold_notes import NoteHours

        return NoteHours(
            DynamoColdNotes(settings().work_table),
            lambda hour, error: logger().warning(
                "an hour is not noted yet", extra={"workspace": hour[0], "hour": hour[1], "reason": repr(error)}
            ),
        )

    @cached_property
    def send_hours(self) -> SendHours:
        """What queues those hours."""
        from tidemark.aws.archive_queue import SqsArchiveQueue
        from tidemark.aws.cold_notes import DynamoColdNotes
        from tidemark.services.cold_notes import SendHours

        notes, queue = DynamoColdNotes(settings().work_table), SqsArchiveQueue(settings().archive_queue_url)
        return SendHours(notes, queue, time.monotonic)

    @cached_property
    def store_hour(self) -> StoreHour:
        """What writes them."""
        from tidemark.aws.cold_batches import DynamoAnalysedBatches, S3ColdStorage
        from tidemark.aws.cold_notes import DynamoColdNotes
        from tidemark.services.cold_storage import StoreHour

        table = settings().work_table
        return StoreHour(DynamoColdNotes(table), DynamoAnalysedBatches(table), S3ColdStorage(settings().archive_bucket))

    @cached_property
    def system_events(self) -> SystemEvents:
        """What tells the system's own events."""
        from tidemark.services.operations import SystemEvents

        return SystemEvents(
            self._base.event_log,
            self._base.directory,
            lambda events, reason: logger().warning(
                "system events are lost", extra={"types": [event.type for event in events], "reason": reason}
            ),
        )

    def _provider(self, attempt: int) -> Provider:
        failing = settings().analysis_failure_percent
        if not failing:
            return self._real_provider
        from tidemark.services.unreliable import Unreliable

        return Unreliable(self._real_provider, failing, attempt)

    @cached_property
    def _real_provider(self) -> Provider:
        if settings().analysis_provider == "bedrock":
            from tidemark.aws.bedrock import BedrockProvider

            return BedrockProvider(settings().bedrock_model_id, settings().bedrock_prices, log_usage)
        from tidemark.services.statistical import StatisticalProvider

        return StatisticalProvider()

    def _changed(self, change: BreakerChange) -> None:
        logger().warning(
            "the breaker has changed",
            extra={"provider": change.provider, "before": change.before, "after": change.after},
        )
        self.breaker_changes.append(change)


@lru_cache(maxsize=16)
def _of(base: Container) -> AnalysisContainer:
    return AnalysisContainer(base)


def analysis() -> AnalysisContainer:
    """Return the container of this process, which has `container()` for its base.

    More than one is kept only where several processes are played in one.
    """
    return _of(container())
