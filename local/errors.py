"""Failures of the local run that a person can do something about."""

from __future__ import annotations


class LocalError(Exception):
    """Something is missing or in the way; the message says what to do."""
