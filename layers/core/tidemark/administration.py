"""The composition root of the administration: its services over their AWS adapters, beside `tidemark.analysis`.

Each attribute imports what it needs: most requests of the HTTP API need none of it.
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from tidemark.analysis import AnalysisContainer, analysis
from tidemark.bootstrap import Container, container
from tidemark.settings import settings

if TYPE_CHECKING:
    from tidemark.aws.audit import DynamoAudit
    from tidemark.aws.pipeline import DynamoPipeline
    from tidemark.aws.workspaces import DynamoWorkspaces
    from tidemark.services.breakers import Breakers
    from tidemark.services.pipeline import PipelineViews
    from tidemark.services.pipeline_actions import ManualActions
    from tidemark.services.pipeline_health import PipelineHealth
    from tidemark.services.restore import RestoreBatch
    from tidemark.services.silence import Silence

PROVIDERS = ("statistical", "bedrock")


class Administration:
    """What the routes and the schedule of the administration use; each attribute needs only its own settings."""

    def __init__(self, base: Container, analysis: AnalysisContainer) -> None:
        self._base = base
        self._analysis = analysis
        self._has_operations = False

    @cached_property
    def views(self) -> PipelineViews:
        """Batches and jobs to be seen."""
        from tidemark.services.pipeline import PipelineViews

        return PipelineViews(self._pipeline, self._analysis.batches, self._base.event_log)

    @cached_property
    def actions(self) -> ManualActions:
        """What is done by hand."""
        from tidemark.services.pipeline_actions import ManualActions

        parts = self._analysis
        return ManualActions(self._pipeline, parts.batches, parts.queue, parts.jobs, parts.system_events)

    @cached_property
    def restore(self) -> RestoreBatch:
        """What brings batches back from cold storage."""
        from tidemark.aws.cold_batches import DynamoAnalysedBatches, S3ColdStorage
        from tidemark.services.restore import RestoreBatch

        batches, storage = DynamoAnalysedBatches(settings().work_table), S3ColdStorage(settings().archive_bucket)
        return RestoreBatch(self._pipeline, self._analysis.batches, batches, storage)

    @cached_property
    def breakers(self) -> Breakers:
        """The circuit breakers, that of the provider in use first."""
        from tidemark.aws.breaker import DynamoBreakers
        from tidemark.services.breakers import Breakers

        in_use = settings().analysis_provider
        providers = [in_use, *(name for name in PROVIDERS if name != in_use)]
        store = DynamoBreakers(settings().work_table)
        return Breakers(store, providers, settings().breaker_seconds, self._analysis.system_events)

    @cached_property
    def health(self) -> PipelineHealth:
        """How the pipeline does."""
        from tidemark.services.pipeline_health import PipelineHealth

        return PipelineHealth(self._pipeline, self.breakers, self.silence)

    def ensure_operations(self, now: datetime) -> None:
        """Make the workspace `operations` unless it exists, which is asked once in a process."""
        if not self._has_operations:
            from tidemark.aws.health import DynamoCanary
            from tidemark.domain.operations import operations_workspace

            DynamoCanary(settings().directory_table).ensure_workspace(operations_workspace(now))
            self._has_operations = True

    @cached_property
    def silence(self) -> Silence:
        """Which workspaces have fallen silent."""
        from tidemark.aws.record import DynamoRecord
        from tidemark.services.silence import Silence

        return Silence(self._base.directory, DynamoRecord(settings().work_table), self._pipeline)

    @cached_property
    def workspaces(self) -> DynamoWorkspaces:
        """All workspaces, and their keys."""
        from tidemark.aws.workspaces import DynamoWorkspaces

        return DynamoWorkspaces(settings().directory_table)

    @cached_property
    def audit_trail(self) -> DynamoAudit:
        """Who has looked, and done what."""
        from tidemark.aws.audit import DynamoAudit

        return DynamoAudit(settings().directory_table)

    @cached_property
    def _pipeline(self) -> DynamoPipeline:
        from tidemark.aws.pipeline import DynamoPipeline

        return DynamoPipeline(settings().work_table)


@lru_cache(maxsize=16)
def _of(base: Container, pipeline: AnalysisContainer) -> Administration:
    return Administration(base, pipeline)


def administration() -> Administration:
    """Return the administration of this process; as with `analysis`, of each process that is played in one."""
    return _of(container(), analysis())
