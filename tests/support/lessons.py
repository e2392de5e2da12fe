"""Events of lessons, as the dashboard `classroom` declares them."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

PERSONAL = "Ada Lovelace"
"""Stands in every payload, in fields that nothing declares."""


def happened(number: int | str, kind: str, at: datetime, **fields: Any) -> dict[str, Any]:
    """Return a native event; `fields` are its properties, save `user_id` and `session_id`."""
    ids: dict[str, Any] = {name: fields.pop(name) for name in ("user_id", "session_id") if name in fields}
    return {
        "event_id": f"e{number}",
        "type": kind,
        "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        **ids,
        "properties": {**fields, "name": PERSONAL, "student": {"name": PERSONAL}},
        "context": {"name": PERSONAL},
    }


def lesson(at: datetime) -> list[dict[str, Any]]:
    """Return what happens in one lesson of two groups, within the hour of `at`; every column of the table moves."""
    told: list[tuple[str, dict[str, Any]]] = [
        ("configured", {"group_id": "g1"}),
        ("configured", {"group_id": "g2"}),
        ("started", {"user_id": "t1"}),
        ("member_join", {"user_id": "t1", "role": "teacher", "group_id": "g1"}),
        ("member_join", {"user_id": "s1", "role": "student", "group_id": "g1"}),
        ("member_join", {"user_id": "s2", "role": "student", "group_id": "g1"}),
        ("member_join", {"user_id": "s3", "role": "student", "group_id": "g2"}),
        ("leader_ready", {"user_id": "s1", "group_id": "g1"}),
        ("member_leave", {"user_id": "s2", "role": "student", "group_id": "g1"}),
        ("quality_scored", _scores(80, 70, 60, 50)),
        ("quality_scored", _scores(90, 80, 90, 60)),
        ("connection_sampled", _connection("c1", 4, 99, 30)),
        ("connection_sampled", _connection("c2", 3, 95, 50)),
        ("connection_sampled", _connection("c2", 5, 97, 40)),
        ("request_completed", {"response_time_ms": 100, "success": True}),
        ("request_completed", {"response_time_ms": 120, "success": True}),
        ("request_completed", {"response_time_ms": 80, "success": True}),
        ("request_completed", {"response_time_ms": 500, "success": False}),
        ("prompt_generated", {"group_id": "g1"}),
        ("prompt_generated", {"group_id": "g2"}),
        ("prompt_used", {"group_id": "g1"}),
        ("intervention_made", {"user_id": "t2", "role": "teacher", "group_id": "g2"}),
        ("alert_raised", {"severity": "high"}),
        ("analysis_completed", {"processing_time_ms": 900}),
        ("analysis_completed", {"processing_time_ms": 1100}),
        ("analysis_failed", {"processing_time_ms": 5000}),
        ("transcription_completed", {"minutes": 12.5}),
        ("transcription_completed", {"minutes": 7}),
        ("recording_stored", {"gigabytes": 0.25}),
        ("compute_used", {"cost_usd": 0.0125}),
        ("ended", {"user_id": "t1"}),
    ]
    return [
        happened(f"{at:%d%H}-{n}", kind, at + timedelta(seconds=n), session_id="l1", **fields)
        for n, (kind, fields) in enumerate(told)
    ]


LESSON = {
    "sessions_active": 1,
    "sessions_completed": 1,
    "teachers_active": 2,
    "students_active": 3,
    "total_groups": 2,
    "ready_groups": 1,
    "avg_session_quality": 85,
    "avg_engagement_score": 75,
    "avg_participation_rate": 75,
    "avg_collaboration_score": 55,
    "avg_audio_quality": 4,
    "avg_connection_stability": 97,
    "total_errors": 1,
    "avg_response_time": 200,
    "websocket_connections": 2,
    "avg_latency_ms": 40,
    "error_rate": 25,
    "total_prompts_generated": 2,
    "total_prompts_used": 1,
    "total_interventions": 1,
    "total_alerts": 1,
    "ai_analyses_completed": 2,
    "avg_ai_processing_time": 1000,
    "ai_analysis_success_rate": 66.6667,
    "total_transcription_minutes": 19.5,
    "total_storage_gb": 0.25,
    "estimated_compute_cost": 0.0125,
}
"""Every column of `dashboard_metrics_hourly` that comes of events, for one lesson."""


def anything(chance: random.Random, number: int, at: datetime) -> dict[str, Any]:
    """Return some event of some lesson, with values that are now and then missing or odd."""
    kind, fields = chance.choice(_KINDS)
    odd: list[Any] = [None, "x", True, [], -1]
    given = {
        name: chance.choice(odd) if chance.random() < 0.1 else value(chance)
        for name, value in fields.items()
        if chance.random() < 0.95
    }
    people: dict[str, Any] = {"user_id": f"u{chance.randrange(8)}", "session_id": f"l{chance.randrange(4)}"}
    return happened(number, kind, at, **given, **people)


def _number(low: float, high: float) -> Any:
    return lambda chance: round(chance.uniform(low, high), chance.choice([0, 2, 6]))


def _one_of(*values: Any) -> Any:
    return lambda chance: chance.choice(values)


_GROUP = _one_of("g1", "g2", "g3")
_ROLE = _one_of("teacher", "student")
_KINDS: list[tuple[str, dict[str, Any]]] = [
    ("configured", {"group_id": _GROUP}),
    ("ended", {}),
    ("leader_ready", {"group_id": _GROUP}),
    ("member_join", {"role": _ROLE, "group_id": _GROUP}),
    ("quality_scored", {"session_quality": _number(0, 100), "engagement_score": _number(0, 100)}),
    ("connection_sampled", {"connection_id": _one_of("c1", "c2", "c3"), "latency_ms": _number(1, 500)}),
    ("request_completed", {"response_time_ms": _number(1, 900), "success": lambda chance: chance.random() < 0.7}),
    ("analysis_completed", {"processing_time_ms": _number(1, 900)}),
    ("analysis_failed", {"processing_time_ms": _number(1, 900)}),
    ("alert_raised", {"severity": _one_of("low", "high")}),
    ("compute_used", {"cost_usd": _number(0, 1)}),
    ("page", {"path": _one_of("/", "/a")}),
]


def _scores(session: float, engagement: float, participation: float, collaboration: float) -> dict[str, Any]:
    return {
        "session_quality": session,
        "engagement_score": engagement,
        "participation_rate": participation,
        "collaboration_score": collaboration,
    }


def _connection(name: str, audio: float, stability: float, latency: float) -> dict[str, Any]:
    return {
        "connection_id": name,
        "audio_quality": audio,
        "connection_stability": stability,
        "latency_ms": latency,
    }
