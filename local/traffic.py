"""Events that look like those of a real web site and a real team. Pure: a day's events follow from its date alone.

So whoever makes a day again gets the same events with the same ids, and Tidemark counts them once.
"""

from __future__ import annotations

import math
import random
from bisect import bisect
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from typing import Any

Event = dict[str, Any]

SESSIONS_PER_WEEKDAY = 260
WEEKEND_FACTOR = 0.55
HOURLY_WEIGHTS = (2, 1, 1, 1, 1, 2, 4, 7, 11, 14, 15, 14, 12, 13, 15, 14, 12, 10, 9, 9, 10, 9, 6, 4)
"""Sessions by hour of the day: a working day with a second, smaller rise in the evening."""
RETURNING_SHARE = 0.55
REGULARS = 1500
PAGES_PER_SESSION = 2.8
SECONDS_PER_PAGE = 40.0
MEDIAN_BYTES = 14_000
BYTES_SIGMA = 1.1
BROKEN_LINK_SHARE = 0.02
SERVER_ERROR_SHARE = 0.008
INCIDENT_DAYS = 9
"""Every ninth day has an incident: for an hour four requests in ten fail."""
INCIDENT_LENGTH = timedelta(hours=1)
INCIDENT_ERROR_SHARE = 0.4

_DOCS = ("start", "events", "dashboards", "protocol", "segment", "replay", "tokens", "limits", "pricing", "storage")
_POSTS = ("half-hour-zones", "exactly-once", "merge-patch", "sketches", "one-table-too-many", "cold-starts")
_FEATURES = ("live", "segments", "alerts", "exports", "workspaces")
PATHS = (
    "/",
    "/pricing",
    "/docs",
    "/login",
    "/blog",
    "/signup",
    "/features",
    "/search",
    "/about",
    "/contact",
    "/changelog",
    "/status",
    "/careers",
    "/security",
    "/legal/privacy",
    "/legal/terms",
    "/customers",
    "/integrations",
    *(f"/docs/{name}" for name in _DOCS),
    *(f"/blog/{name}" for name in _POSTS),
    *(f"/features/{name}" for name in _FEATURES),
)
PATH_WEIGHTS = tuple(1 / rank for rank in range(1, len(PATHS) + 1))  # Zipf's law
POSTED_PATHS = frozenset({"/login", "/signup", "/contact", "/search"})
MISSING_PATHS = ("/wp-login.php", "/favicon.png", "/docs/old-api", "/blog/2019")
REFERRERS = {
    "https://www.google.com/": 34,
    "https://duckduckgo.com/": 7,
    "https://news.ycombinator.com/": 9,
    "https://www.bing.com/": 5,
    "https://github.com/": 8,
    "https://www.linkedin.com/": 5,
    "https://www.reddit.com/r/aws": 4,
    "": 28,
}

MEETINGS = ("Stand-up", "Planning", "Design review", "Retrospective", "Customer call", "One on one", "Roadmap")
PEOPLE = ("ana", "ben", "chloe", "dmitri", "elif", "farid", "grace")
DAYS_PER_TASK = 10
"""A task comes of every tenth day's meeting, and every other task is completed: 12 and 6 over 120 days."""


def page_views(day: date) -> Iterator[Event]:
    """Yield the page views of a day (UTC), session by session."""
    rng = random.Random(f"pages {day}")
    sessions = round(SESSIONS_PER_WEEKDAY * (WEEKEND_FACTOR if day.weekday() >= 5 else 1) * rng.uniform(0.9, 1.1))
    incident = incident_of(day)
    by_hour = list(accumulate(HOURLY_WEIGHTS))
    for number in range(sessions):
        hour = bisect(by_hour, rng.random() * by_hour[-1])
        start = datetime.combine(day, time(hour), UTC) + timedelta(seconds=rng.uniform(0, 3600))
        visitor = visitor_of(rng, f"{day:%y%m%d}-{number}")
        yield from session(rng, start, visitor, f"s-{day:%y%m%d}-{number}", incident)


def incident_of(day: date) -> datetime | None:
    """Return when the day's incident begins, if it has one."""
    if day.toordinal() % INCIDENT_DAYS:
        return None
    return datetime.combine(day, time(10 + day.toordinal() // INCIDENT_DAYS % 8, 15), UTC)


def visitor_of(rng: random.Random, new: str) -> str:
    """Return a regular, the first ones more often than the last, or a visitor never seen before."""
    if rng.random() < RETURNING_SHARE:
        return f"v-{int(REGULARS * rng.random() ** 2)}"
    return f"v-{new}"


def session(
    rng: random.Random, start: datetime, visitor: str, session_id: str, incident: datetime | None = None
) -> Iterator[Event]:
    """Yield the page views of one visit; only the first has come from elsewhere."""
    referrer = rng.choices(list(REFERRERS), list(REFERRERS.values()))[0]
    at = start
    pages = 1 + min(int(rng.expovariate(1 / (PAGES_PER_SESSION - 1))), 30)
    for number in range(pages):
        failing = incident is not None and incident <= at < incident + INCIDENT_LENGTH
        yield {
            "event_id": f"{session_id}-{number}",
            "type": "page",
            "timestamp": timestamp(at),
            "anonymous_id": visitor,
            "session_id": session_id,
            "properties": request(rng, referrer, failing=failing),
        }
        referrer = "https://www.example.com/"
        at += timedelta(seconds=rng.expovariate(1 / SECONDS_PER_PAGE))


def request(rng: random.Random, referrer: str, *, failing: bool = False) -> Event:
    """Return the properties of one page view."""
    path = rng.choices(PATHS, PATH_WEIGHTS)[0]
    method = "POST" if path in POSTED_PATHS and rng.random() < 0.4 else "GET"
    status = 302 if method == "POST" else rng.choices((200, 304), (88, 12))[0]
    chance = rng.random()
    if chance < (INCIDENT_ERROR_SHARE if failing else SERVER_ERROR_SHARE):
        status = rng.choice((500, 502, 503))
    elif chance > 1 - BROKEN_LINK_SHARE:
        path, method, status = rng.choice(MISSING_PATHS), "GET", 404
    size = 0 if status == 304 else int(rng.lognormvariate(math.log(MEDIAN_BYTES), BYTES_SIGMA))
    properties: Event = {"path": path, "method": method, "status": status, "bytes": size}
    return {**properties, "referrer": referrer} if referrer else properties


def meeting(day: date) -> Iterator[Event]:
    """Yield the one meeting of a day and, on every tenth day, the task that came of it."""
    rng = random.Random(f"meeting {day}")
    end = datetime.combine(day, time(rng.randint(9, 16), rng.choice((0, 15, 30, 45))), UTC)
    number = day.toordinal()
    yield meeting_completed(rng, end, f"m-{number}")
    if number % DAYS_PER_TASK == 0:
        task = number // DAYS_PER_TASK
        priority = ("high", "medium")[task // 2 % 2]
        yield task_created(rng, end + timedelta(minutes=5), f"t-{task}", f"m-{number}", priority)
        if task % 2 == 0:
            yield task_completed(rng, end + timedelta(hours=5), f"t-{task}", priority)


def meeting_completed(rng: random.Random, at: datetime, meeting_id: str) -> Event:
    """Return a meeting of about an hour."""
    minutes = max(15, round(rng.gauss(60, 8)))
    return event(
        at,
        "meeting_completed",
        rng.choice(PEOPLE),
        meeting_id,
        meeting_id=meeting_id,
        title=rng.choice(MEETINGS),
        duration_minutes=minutes,
        participants=rng.randint(2, 9),
        hours_saved=round(minutes / 60 * rng.uniform(0.3, 0.7), 2),
    )


def task_created(rng: random.Random, at: datetime, task_id: str, meeting_id: str, priority: str) -> Event:
    """Return a task that someone took on in a meeting."""
    assignee, organiser = rng.choice(PEOPLE), rng.choice(PEOPLE)
    properties = {"task_id": task_id, "meeting_id": meeting_id, "priority": priority, "assignee": assignee}
    return event(at, "task_created", organiser, f"{task_id}-created", **properties)


def task_completed(rng: random.Random, at: datetime, task_id: str, priority: str) -> Event:
    """Return the end of a task."""
    return event(at, "task_completed", rng.choice(PEOPLE), f"{task_id}-completed", task_id=task_id, priority=priority)


def event(at: datetime, kind: str, user: str, event_id: str, **properties: Any) -> Event:
    """Return a native event of a signed-in user."""
    return {
        "event_id": event_id,
        "type": kind,
        "timestamp": timestamp(at),
        "user_id": user,
        "properties": properties,
    }


def timestamp(at: datetime) -> str:
    """Write a time in UTC with milliseconds."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
