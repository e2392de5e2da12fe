"""The settings of a deployed function: what template.yaml puts into its environment.

A function has only the variables that it needs, so a missing one is an error when it is used, not when it is read.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType


class SettingsError(Exception):
    """A setting is missing or has the wrong form; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings, by name; each property raises `SettingsError` if its variable is missing."""

    environment: Mapping[str, str]

    @property
    def events_table(self) -> str:
        """The table of chunks."""
        return self._required("EVENTS_TABLE")

    @property
    def cells_table(self) -> str:
        """The table of hour cells and their ledgers."""
        return self._required("CELLS_TABLE")

    @property
    def snapshots_table(self) -> str:
        """The table of heads and delta logs."""
        return self._required("SNAPSHOTS_TABLE")

    @property
    def connections_table(self) -> str:
        """The table of leases and subscriptions."""
        return self._required("CONNECTIONS_TABLE")

    @property
    def inbox_table(self) -> str:
        """The table of messages to users."""
        return self._required("INBOX_TABLE")

    @property
    def work_table(self) -> str:
        """The table of what is to be done: hours with events, due periods, the record of the rollup."""
        return self._required("WORK_TABLE")

    @property
    def rollup_queue_url(self) -> str:
        """The queue of periods to close."""
        return self._required("ROLLUP_QUEUE_URL")

    @property
    def archive_queue_url(self) -> str:
        """The queue of hours to archive."""
        return self._required("ARCHIVE_QUEUE_URL")

    @property
    def analysis_queue_url(self) -> str:
        """The queue of batches to analyse."""
        return self._required("ANALYSIS_QUEUE_URL")

    @property
    def analysis_dead_letters_url(self) -> str:
        """The queue of jobs that have failed for good."""
        return self._required("ANALYSIS_DEAD_LETTERS_URL")

    @property
    def analysis_provider(self) -> str:
        """Who analyses batches: `statistical` or `bedrock`."""
        return self._required("ANALYSIS_PROVIDER")

    @property
    def analysis_failure_percent(self) -> int:
        """The share of analyses that fail on purpose, for tests of a deployed stack."""
        return self._number("ANALYSIS_FAILURE_PERCENT", "percent", least=0)

    @property
    def bedrock_model_id(self) -> str:
        """The model, or inference profile, that the provider `bedrock` asks."""
        return self._required("BEDROCK_MODEL_ID")

    @property
    def bedrock_prices(self) -> tuple[float, float]:
        """Dollars per million tokens of its input and of its output."""
        value = self._required("BEDROCK_PRICES")
        try:
            given, answered = (float(price) for price in value.split(","))
        except ValueError:
            raise SettingsError(f"the environment variable BEDROCK_PRICES is two prices, not {value!r}") from None
        return given, answered

    @property
    def breaker_seconds(self) -> int:
        """How long a provider that fails is given a rest."""
        return self._number("BREAKER_SECONDS", "seconds")

    @property
    def job_lease_seconds(self) -> int:
        """How long an analysis job belongs to the worker that claimed it."""
        return self._number("JOB_LEASE_SECONDS", "seconds")

    @property
    def job_pause_seconds(self) -> int:
        """The longest pause after the first failed attempt of an analysis job."""
        return self._number("JOB_PAUSE_SECONDS", "seconds")

    @property
    def archive_bucket(self) -> str:
        """The bucket of archived hours."""
        return self._required("ARCHIVE_BUCKET")

    @property
    def directory_table(self) -> str:
        """The table of workspaces and write keys."""
        return self._required("DIRECTORY_TABLE")

    @property
    def token_secret_arn(self) -> str:
        """The secret that holds the keys of tokens."""
        return self._required("TOKEN_SECRET_ARN")

    @property
    def callback_endpoint(self) -> str:
        """Where messages to WebSocket connections are posted."""
        return self._required("CALLBACK_ENDPOINT")

    @property
    def http_url(self) -> str:
        """The HTTP API as clients reach it, without a slash at its end."""
        return self._required("HTTP_URL")

    @property
    def health_minutes(self) -> int:
        """How often the health check runs."""
        return self._number("HEALTH_MINUTES", "minutes")

    @property
    def websocket_url(self) -> str:
        """Where clients open WebSockets."""
        return self._required("WEBSOCKET_URL")

    @property
    def retention_days(self) -> int:
        """How long chunks are kept in a workspace that does not say."""
        return self._number("RETENTION_DAYS", "days")

    def _number(self, name: str, unit: str, least: int = 1) -> int:
        value = self._required(name)
        if not (value.isascii() and value.isdecimal() and int(value) >= least):
            raise SettingsError(f"the environment variable {name} is a number of {unit}, not {value!r}")
        return int(value)

    def _required(self, name: str) -> str:
        value = self.environment.get(name)
        if not value:
            raise SettingsError(f"the environment variable {name} is not set")
        return value


def tables_of(named: Settings) -> dict[str, str]:
    """Return every table, by what it holds."""
    return {
        "events": named.events_table,
        "cells": named.cells_table,
        "snapshots": named.snapshots_table,
        "connections": named.connections_table,
        "directory": named.directory_table,
        "inbox": named.inbox_table,
        "work": named.work_table,
    }


@cache
def settings() -> Settings:
    """Return the settings of this process, read once."""
    return Settings(MappingProxyType(dict(os.environ)))
