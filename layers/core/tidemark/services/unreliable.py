"""A provider that fails on purpose, for tests of what follows: of the deployed stack, too."""

from __future__ import annotations

from zlib import crc32

from tidemark.domain.insights import Insight
from tidemark.services.analysis_ports import BatchContext, Provider, ProviderUnavailable


class Unreliable:
    """Fails a share of the attempts, always the same ones: by workspace, batch and number of the attempt."""

    def __init__(self, provider: Provider, percent: int, attempt: int) -> None:
        self._provider = provider
        self._percent = percent
        self._attempt = attempt

    def analyse(self, context: BatchContext) -> Insight:
        """Raise `ProviderUnavailable`, or do as the provider does."""
        drawn = crc32(f"{context.workspace}#{context.batch}#{self._attempt}".encode()) % 100
        if drawn < self._percent:
            raise ProviderUnavailable("failed on purpose (AnalysisFailurePercent)")
        return self._provider.analyse(context)
