"""What a view has to show, told by SQL: DuckDB knows the time zones (ICU) and the aggregates by itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb

from tidemark.domain.views import View

Event = Mapping[str, Any]


class Duck:
    """A history, and what views of it show at a time.

    `every` holds its distinct (event id, local hour) rows up to the hour of that time, where `hour` is the instant at
    which the local hour of an event starts; `e` holds those of the view's days.
    """

    def __init__(self, history: Iterable[Event] | Path, timezone: str, now: datetime) -> None:
        """Take a history as events, or as the folder of an archive."""
        self._db = duckdb.connect(config={"threads": 1})
        self._db.execute("SET TimeZone = 'UTC'")
        self._db.execute("SET VARIABLE zone = $zone", {"zone": timezone})
        self._db.execute("SET VARIABLE now = $now::TIMESTAMPTZ", {"now": now.isoformat()})
        self._db.execute(
            "CREATE TABLE raw (id VARCHAR, type VARCHAR, ts TIMESTAMPTZ, anonymous VARCHAR, person VARCHAR, p JSON)"
        )
        if isinstance(history, Path):
            self._read(history)
        else:
            self._take(history)
        local = "timezone(getvariable('zone'), ts)"
        hour = f"ts - ({local} - date_trunc('hour', {local}))"
        self._db.execute(
            f"CREATE TABLE every AS SELECT DISTINCT ON (id, hour) *, {hour} AS hour, {local}::DATE AS day FROM raw "
            f"WHERE {hour} <= (SELECT {hour} FROM (SELECT getvariable('now') AS ts))"
        )

    def _read(self, archive: Path) -> None:
        self._db.execute(
            "INSERT INTO raw SELECT event_id, type, timestamp, anonymous_id, user_id, properties "
            f"FROM read_parquet('{archive}/events/*/*/*.parquet')"
        )

    def _take(self, events: Iterable[Event]) -> None:
        rows = [
            {
                "id": event["event_id"],
                "type": event["type"],
                "ts": event["timestamp"],
                "anonymous": event.get("anonymous_id"),
                "person": event.get("user_id"),
                "p": json.dumps(event["properties"], ensure_ascii=False),
            }
            for event in events
        ]
        if rows:
            self._db.execute(
                "INSERT INTO raw SELECT r.id, r.type, r.ts::TIMESTAMPTZ, r.anonymous, r.person, r.p::JSON "
                "FROM (SELECT unnest($rows) AS r)",
                {"rows": rows},
            )

    def shows(self, view: View) -> dict[str, Any]:
        """Return the sections of a view; percentiles are exact here."""
        today = "timezone(getvariable('zone'), getvariable('now'))::DATE"
        self._db.execute(f"SET VARIABLE last = coalesce($to::DATE, {today})", {"to": view.to and view.to.isoformat()})
        self._db.execute("SET VARIABLE first = getvariable('last') - ($days::INTEGER - 1)", {"days": view.days})
        self._db.execute(
            "CREATE OR REPLACE TABLE e AS "
            "SELECT * FROM every WHERE day BETWEEN getvariable('first') AND getvariable('last')"
        )
        return {"web": self._web, "meetings": self._meetings}[view.dashboard]()

    def _web(self) -> dict[str, Any]:
        views, errors = self._count("type = 'page'"), self._count("type = 'page' AND status >= 400")
        visitors = self._one("SELECT count(DISTINCT anonymous) FROM e WHERE type = 'page'")
        return {
            "kpis": {
                "pageviews": views,
                "visitors": visitors,
                "bytes_sent": self._sum("page", "bytes"),
                "errors": errors,
                "error_rate": ratio(errors * 100, views),
            },
            "charts": {
                "pageviews_by_day": self._by_day("page"),
                "pageviews_by_hour": self._by_hour("page", 48),
            },
            "tabs.overview": {
                "top_paths": self._top("page", "(p->>'path')", 10),
                "top_referrers": self._top("page", "coalesce(nullif((p->>'referrer'), ''), '(direct)')", 10),
            },
            "tabs.engagement": {"pages_per_visitor": ratio(views, visitors)},
            "tabs.technology": {
                "status_codes": self._top("page", "(p->>'status')", 20),
                "methods": self._top("page", "(p->>'method')", 10),
            },
        }

    def _meetings(self) -> dict[str, Any]:
        meetings, tasks = self._count("type = 'meeting_completed'"), self._count("type = 'task_created'")
        completed = self._count("type = 'task_completed'")
        organisers = self._one("SELECT count(DISTINCT person) FROM e WHERE type = 'meeting_completed'")
        priority = "coalesce(nullif((p->>'priority'), ''), '(none)')"
        return {
            "kpis": {
                "total_meetings": meetings,
                "total_tasks": tasks,
                "task_completion_rate": ratio(completed * 100, tasks),
                "avg_duration": self._mean("duration_minutes"),
                "hours_saved": self._sum("meeting_completed", "hours_saved"),
            },
            "charts": {"meeting_activity": self._by_day("meeting_completed")},
            "tabs.overview": {
                "total_meetings": meetings,
                "completed_tasks": completed,
                "top_organisers": self._top("meeting_completed", "person", 10),
            },
            "tabs.engagement": {
                "organisers": organisers,
                "meetings_per_organiser": ratio(meetings, organisers),
                "avg_participants": self._mean("participants"),
            },
            "tabs.productivity": {
                "tasks_per_meeting": ratio(tasks, meetings),
                "tasks_by_priority": self._top("task_created", priority, 10),
                "completed_by_priority": self._top("task_completed", priority, 10),
            },
            "tabs.insights": {
                "median_duration": self._quantile("duration_minutes", 0.5),
                "p90_duration": self._quantile("duration_minutes", 0.9),
                "longest_meeting": self._one(self._extreme("max")),
                "shortest_meeting": self._one(self._extreme("min")),
                "latest_meeting": self._one(
                    "SELECT (p->>'title') FROM e WHERE type = 'meeting_completed' AND (p->>'title') IS NOT NULL "
                    "ORDER BY ts DESC, id DESC LIMIT 1"
                ),
            },
        }

    def _one(self, sql: str) -> Any:
        row = self._db.execute(sql).fetchone()
        return (row and row[0]) or 0

    def _count(self, where: str) -> int:
        rows = f"(SELECT *, {number('status')} AS status FROM e)"
        return int(self._one(f"SELECT count(*) FROM {rows} WHERE {where}"))

    def _sum(self, kind: str, name: str) -> int | float:
        return plain(Fraction(self._one(f"SELECT sum({number(name)}) FROM e WHERE type = '{kind}'")))

    def _mean(self, name: str) -> int | float:
        values = f"FROM e WHERE type = 'meeting_completed' AND {number(name)} IS NOT NULL"
        return ratio(
            Fraction(self._one(f"SELECT sum({number(name)}) {values}")), self._one(f"SELECT count(*) {values}")
        )

    def _extreme(self, function: str) -> str:
        return f"SELECT {function}({number('duration_minutes')})::DOUBLE FROM e WHERE type = 'meeting_completed'"

    def _quantile(self, name: str, q: float) -> float:
        sorted_values = f"list_sort(list({number(name)}::DOUBLE) FILTER ({number(name)} IS NOT NULL))"
        rows = f"(SELECT {sorted_values} AS v FROM e WHERE type = 'meeting_completed')"
        return float(self._one(f"SELECT v[1 + floor({q} * (len(v) - 1))::INTEGER] FROM {rows}"))

    def _top(self, kind: str, text: str, limit: int) -> dict[str, Any]:
        rows = self._db.execute(
            f"SELECT {text} AS key, count(*) AS value FROM e WHERE type = '{kind}' AND {text} IS NOT NULL "
            f"GROUP BY key ORDER BY value DESC, key LIMIT {limit}"
        ).fetchall()
        return {"error": 0, "rows": {key: {"order": n, "value": value} for n, (key, value) in enumerate(rows)}}

    def _by_day(self, kind: str) -> dict[str, Any]:
        rows = self._db.execute(
            f"SELECT s.d::DATE, (SELECT count(*) FROM e WHERE e.day = s.d::DATE AND type = '{kind}') "
            "FROM generate_series(getvariable('first'), getvariable('last'), INTERVAL 1 DAY) AS s(d) ORDER BY 1"
        ).fetchall()
        return {"grain": "day", "points": {day.isoformat(): point(midnight(day), value) for day, value in rows}}

    def _by_hour(self, kind: str, last: int) -> dict[str, Any]:
        """Count by each of the last local hours, found by walking back in quarters of an hour from the window's end."""
        rows = self._db.execute(
            f"""
            WITH quarters AS (
                SELECT q AS ts, timezone(getvariable('zone'), q) AS local
                FROM generate_series(
                    timezone(getvariable('zone'), (getvariable('first') - 4)::TIMESTAMP),
                    getvariable('now'), INTERVAL 15 MINUTE) AS s(q)
                UNION ALL
                SELECT getvariable('now'), timezone(getvariable('zone'), getvariable('now'))
            ), hours AS (
                SELECT DISTINCT ts - (local - date_trunc('hour', local)) AS hour FROM quarters
                WHERE local::DATE <= getvariable('last') ORDER BY hour DESC LIMIT {last}
            )
            SELECT hour, (SELECT count(*) FROM every WHERE every.hour = hours.hour AND type = '{kind}')
            FROM hours ORDER BY hour
            """
        ).fetchall()
        named = {hour.astimezone(UTC): value for hour, value in rows}
        points = {f"{hour:%Y-%m-%dT%H:%MZ}": point(int(hour.timestamp()), value) for hour, value in named.items()}
        return {"grain": "hour", "points": points}


def number(name: str) -> str:
    """Return the SQL for a property that counts only if it is a JSON number."""
    is_number = f"json_type(p, '$.{name}') IN ('BIGINT', 'UBIGINT', 'DOUBLE')"
    return f"CASE WHEN {is_number} THEN (p->>'{name}')::DECIMAL(30, 6) END"


def point(order: int, value: int) -> dict[str, int]:
    return {"order": order, "value": value}


def midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def ratio(of: int | float | Fraction, over: int) -> int | float:
    return plain(Fraction(round(float(Fraction(of) / over), 4))) if over else 0


def plain(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else float(value)
