"""What the rows of a query have to hold, told by SQL: periods, their bounds and their numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from tests.unit.oracle.duck import Duck

Row = tuple[datetime, dict[str, Any]]
"""When a period starts, and what the dashboard shows of it."""


class DuckRows(Duck):
    """A history, by periods."""

    def rows(self, dashboard: str, grain: str, first: date, last: date) -> list[Row]:
        """Return the rows of the local days from `first` to `last`, of hours none after the present one."""
        self._db.execute("SET VARIABLE first = $first::DATE", {"first": first.isoformat()})
        self._db.execute("SET VARIABLE last = $last::DATE", {"last": last.isoformat()})
        return self._by_hours(dashboard) if grain == "hour" else self._by_days(dashboard, grain)

    def _by_days(self, dashboard: str, grain: str) -> list[Row]:
        trunc = "DATE '2000-01-01'" if grain == "all" else f"date_trunc('{grain}', day)"
        spans = self._db.execute(
            f"""
            WITH days AS (
                SELECT s.d::DATE AS day
                FROM generate_series(getvariable('first'), getvariable('last'), INTERVAL 1 DAY) AS s(d)
            )
            SELECT min(day), max(day), timezone(getvariable('zone'), min(day)::TIMESTAMP) FROM days
            GROUP BY {trunc} ORDER BY 1
            """
        ).fetchall()
        return [
            (start.astimezone(UTC), self._values(dashboard, f"day BETWEEN DATE '{low}' AND DATE '{high}'"))
            for low, high, start in spans
        ]

    def _by_hours(self, dashboard: str) -> list[Row]:
        hours = self._db.execute(
            """
            WITH quarters AS (
                SELECT q AS ts, timezone(getvariable('zone'), q) AS local
                FROM generate_series(
                    timezone(getvariable('zone'), (getvariable('first') - 1)::TIMESTAMP),
                    timezone(getvariable('zone'), (getvariable('last') + 2)::TIMESTAMP), INTERVAL 15 MINUTE) AS s(q)
            ), named AS (
                SELECT ts, local, ts - (local - date_trunc('hour', local)) AS hour FROM quarters
            )
            SELECT hour, min(ts) FROM named
            WHERE local::DATE BETWEEN getvariable('first') AND getvariable('last')
            AND hour <= (
                SELECT getvariable('now') - (now_local - date_trunc('hour', now_local))
                FROM (SELECT timezone(getvariable('zone'), getvariable('now')) AS now_local))
            GROUP BY hour ORDER BY hour
            """
        ).fetchall()
        return [
            (start.astimezone(UTC), self._values(dashboard, f"hour = TIMESTAMPTZ '{hour.isoformat()}'"))
            for hour, start in hours
        ]

    def _values(self, dashboard: str, where: str) -> dict[str, Any]:
        self._db.execute(f"CREATE OR REPLACE TABLE e AS SELECT * FROM every WHERE {where}")
        sections = {"web": self._web, "meetings": self._meetings}[dashboard]()
        return {
            name: value for section, data in sections.items() if section != "charts" for name, value in data.items()
        }
