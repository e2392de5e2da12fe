"""What `tidemark replay` makes of a file: formats, events, ids, order, time."""

from __future__ import annotations

import gzip
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tidemark_cli.errors import CliError, UsageError
from tidemark_cli.replay.access_log import LogLineError, page_event
from tidemark_cli.replay.plan import Timing, make_plan, stamped
from tidemark_cli.replay.source import BadLineError, Reader, Source, instant_of, open_source

REQUEST = '"GET /a?b=c HTTP/1.1" 200 203023 "http://example.com/" "Mozilla/5.0 (X)"'
COMBINED = f"83.149.9.216 - - [17/May/2015:10:05:03 +0200] {REQUEST}"
START = datetime(2026, 11, 22, 10, tzinfo=UTC)


def source(tmp_path: Path, *lines: str | bytes) -> Source:
    path = tmp_path / "events"
    path.write_bytes(b"".join((line if isinstance(line, bytes) else line.encode()) + b"\n" for line in lines))
    return Source(path, "events")


def native(second: int, **more: object) -> str:
    return json.dumps({"type": "page", "timestamp": f"2015-05-17T10:00:{second:02}Z", **more})


def test_a_combined_log_line_becomes_a_page_event() -> None:
    event = page_event(COMBINED)
    assert event == {
        "type": "page",
        "timestamp": "2015-05-17T08:05:03.000Z",
        "anonymous_id": event["anonymous_id"],
        "properties": {
            "method": "GET",
            "path": "/a?b=c",
            "status": 200,
            "bytes": 203023,
            "referrer": "http://example.com/",
        },
        "context": {"userAgent": "Mozilla/5.0 (X)"},
    }
    assert len(event["anonymous_id"]) == 16
    assert "83.149" not in json.dumps(event)


@pytest.mark.parametrize(
    ("line", "properties"),
    [
        (
            '::1 - bob smith [01/Jan/2024:00:00:60 -0000] "HEAD / HTTP/1.0" 304 -',
            {"status": 304, "bytes": 0, "referrer": ""},
        ),
        (
            'h - - [01/Jan/2024:00:00:00 +0530] "GET /\\"q\\" HTTP/2" 404 1 "-" "-" "10.0.0.1" rt=0.1',
            {"path": '/\\"q\\"'},
        ),
        ('h - - [01/Jan/2024:00:00:00 +0000] "GET /old" 200 5 "" ""', {"path": "/old", "method": "GET"}),
        ('h - - [01/Jan/2024:00:00:00 +0000] "GET /with space HTTP/1.1" 200 5', {"path": "/with space"}),
    ],
)
def test_variants_of_the_format_are_read(line: str, properties: dict[str, object]) -> None:
    assert page_event(line)["properties"].items() >= properties.items()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("hello", "not in combined log format"),
        (COMBINED.replace("May", "Mai"), "is not a time"),
        (COMBINED.replace("17/May", "37/May"), "is not a time"),
        (COMBINED.replace("GET /a?b=c HTTP/1.1", "\\x16\\x03\\x01"), "names no method and path"),
        (COMBINED.replace("203023", "9999999999999999"), "beyond 2"),
    ],
)
def test_a_line_that_is_no_log_line_says_why(line: str, reason: str) -> None:
    with pytest.raises(LogLineError, match=reason):
        page_event(line)


def test_visitors_differ_by_address_and_by_user_agent() -> None:
    lines = [COMBINED, COMBINED.replace("83.", "84."), COMBINED.replace("(X)", "(Y)")]
    assert len({page_event(line)["anonymous_id"] for line in lines}) == 3


def test_equal_lines_of_a_log_are_different_events_and_the_same_ones_in_any_order() -> None:
    lines = [COMBINED.encode()] * 3 + [COMBINED.replace("/a", f"/{n}").encode() for n in range(5)]
    ids = [event["event_id"] for reader in [Reader("combined log")] for event in map(reader.read, lines)]
    random.Random(1).shuffle(lines)
    again = Reader("combined log")
    assert len(set(ids)) == 8
    assert {again.read(line)["event_id"] for line in lines} == set(ids)


def test_an_event_without_id_and_time_gets_both_and_one_that_has_either_is_left_alone() -> None:
    reader = Reader("NDJSON")
    bare = reader.read(b'{"type":"page"}')
    again = reader.read(b'{"type":"page"}')
    assert bare["event_id"] != again["event_id"]
    assert stamped(bare, timedelta(), START)["timestamp"] == "2026-11-22T10:00:00.000Z"
    assert "event_id" not in reader.read(native(1).encode())
    assert reader.read(b'{"type":"page","messageId":"m"}') == {"type": "page", "messageId": "m"}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{", "invalid_json"),
        (b'"text"', "invalid_event"),
        (b"\xff{}", "invalid_json"),
        (b"[" * 30_000, "invalid_json"),
        (b'{"type":"' + b"x" * 70_000 + b'"}', "event_too_large"),
    ],
)
def test_a_bad_line_of_json_has_a_code(line: bytes, code: str) -> None:
    with pytest.raises(BadLineError) as caught:
        Reader("NDJSON").read(line)
    assert caught.value.code == code


def test_gzip_is_told_by_content_and_blank_lines_keep_the_numbers(tmp_path: Path) -> None:
    plain = source(tmp_path, native(1), "", native(2))
    packed = tmp_path / "no-suffix"
    packed.write_bytes(gzip.compress(plain.path.read_bytes()))
    lines = [(1, native(1).encode()), (3, native(2).encode())]
    assert list(plain.lines()) == list(Source(packed, "packed").lines()) == lines
    assert make_plan(plain, Timing()).digest == make_plan(Source(packed, "packed"), Timing()).digest


def test_what_cannot_be_replayed_says_what_can(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is empty"):
        source(tmp_path, "", "").form()
    with pytest.raises(UsageError, match="one JSON object a line"):
        source(tmp_path, "a b c", "1 2 3").form()
    with pytest.raises(UsageError, match="of CSV `duckdb"):
        source(tmp_path, "a,b,c", "1,2,3").form()
    with pytest.raises(UsageError, match="jq -c"):
        source(tmp_path, "[1]").form()
    with pytest.raises(UsageError, match="cannot read missing"):
        Source(tmp_path / "missing", "missing").form()
    with pytest.raises(UsageError, match="cannot read"):
        Source(tmp_path, "a folder").form()


def test_a_truncated_gzip_file_is_an_error_before_anything_is_sent(tmp_path: Path) -> None:
    packed = tmp_path / "cut.gz"
    text = "\n".join(native(n % 60, n=random.Random(n).random()) for n in range(1000)).encode()
    packed.write_bytes(gzip.compress(text)[:-500])
    with pytest.raises(CliError, match=r"cut\.gz is damaged"):
        make_plan(Source(packed, "cut.gz"), Timing())


def test_stdin_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (tmp_path / "in").open("wb+") as file:
        file.write(native(1).encode() + b"\n")
        file.seek(0)
        monkeypatch.setattr("sys.stdin", type("Stdin", (), {"buffer": file}))
        with open_source("-") as stdin:
            assert [number for number, _ in stdin.lines()] == [1]
    assert not stdin.path.exists()


def test_shift_moves_the_last_event_to_the_start(tmp_path: Path) -> None:
    plan = make_plan(source(tmp_path, native(30), native(10), native(20), '{"type":"x"}', "{"), Timing(shift=True))
    shift = plan.shift_at(START)
    event = stamped(json.loads(native(30)), shift, START)
    assert event["timestamp"] == "2026-11-22T10:00:00.000Z"
    assert stamped(json.loads(native(10)), shift, START)["timestamp"] == "2026-11-22T09:59:40.000Z"
    assert stamped({"type": "x"}, shift, START)["timestamp"] == "2026-11-22T10:00:00.000Z"
    assert stamped({"type": "x", "timestamp": "soon"}, shift, START)["timestamp"] == "soon"


def test_speed_sends_by_timestamp_and_with_shift_no_event_is_stamped_ahead_of_its_sending(tmp_path: Path) -> None:
    lines = [native(30), "{", native(10), native(20)]
    plan = make_plan(source(tmp_path, *lines), Timing(speed=2, shift=True))
    assert [number for number, _ in plan.items()] == [3, 4, 1, 2]
    shift, sending = plan.shift_at(START), {10: 0, 20: 5, 30: 10}
    for second, sent_after_seconds in sending.items():
        instant = instant_of(stamped(json.loads(native(second)), shift, START))
        assert instant is not None
        assert instant <= START + timedelta(seconds=sent_after_seconds)
    assert instant == START + timedelta(seconds=10)


def test_without_shift_nothing_moves(tmp_path: Path) -> None:
    plan = make_plan(source(tmp_path, native(30), native(10)), Timing(speed=60))
    assert plan.shift_at(START) == timedelta()
    assert stamped(json.loads(native(30)), timedelta(), START) == json.loads(native(30))


def test_timings_that_cannot_be_are_refused() -> None:
    for speed in (0, -1, float("inf"), float("nan")):
        with pytest.raises(UsageError, match="factor above 0"):
            Timing(speed=speed)
    with pytest.raises(UsageError, match="ahead"):
        Timing(speed=0.5, shift=True)


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        ({"timestamp": "1970-01-01T01:00:00+01:00"}, 0),
        ({"originalTimestamp": "1970-01-01T00:00:01"}, 1),
        ({"timestamp": 2500}, 2.5),
        ({"timestamp": "x"}, None),
        ({"timestamp": True}, None),
        ({"timestamp": 1e300}, None),
        ({}, None),
    ],
)
def test_times_are_read_in_every_form_that_the_protocol_has(raw: dict[str, object], seconds: float | None) -> None:
    instant = instant_of(raw)
    assert (instant.timestamp() if instant else None) == seconds
