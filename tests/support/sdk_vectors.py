"""Checksums that the browser SDK must reach too; `python -m tests.support.sdk_vectors` writes its vectors.json anew."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path
from typing import Any

import rfc8785

from tests.support.insights import insight
from tidemark.domain.insight_section import StoredInsight, section_of
from tidemark.domain.snapshot import checksum, checksums_of

PATH = Path(__file__).parents[2] / "dashboard" / "client" / "tests" / "vectors.json"

LARGEST = 2**53 - 1
# RFC 8785, appendix B: doubles whose shortest forms are easily got wrong, as IEEE 754 bits.
RFC_BITS = [
    "0000000000000001", "8000000000000001", "7fefffffffffffff", "ffefffffffffffff", "4340000000000000",
    "c340000000000000", "4430000000000000", "44b52d02c7e14af5", "44b52d02c7e14af6", "44b52d02c7e14af7",
    "444b1ae4d6e2ef4e", "444b1ae4d6e2ef4f", "444b1ae4d6e2ef50", "3eb0c6f7a0b5ed8c", "3eb0c6f7a0b5ed8d",
    "41b3de4355555553", "41b3de4355555554", "41b3de4355555555", "41b3de4355555556", "41b3de4355555557",
    "becbf647612f3696", "43143ff3c1cb0959",
]  # fmt: skip
# RFC 8785, 3.2.3: an order by UTF-16 units, in which an emoji comes before U+FB33.
RFC_KEYS = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}
PIECES = [
    "",
    "a",
    "b",
    "é",
    "\u0000",
    "\u001f",
    '"',
    "\\",
    "/",
    "\u2028",
    "\ue000",
    "\U0001f600",
    "__proto__",
    "\x7f",
    "ß",
]


def double(bits: str) -> float:
    """Return the double of 16 hex digits."""
    return float(struct.unpack(">d", bytes.fromhex(bits))[0])


def document(chance: random.Random, depth: int = 4) -> Any:
    """Return a random JSON value: of all numbers that JSON has here, strings of all planes, objects and lists."""
    roll = chance.random()
    if depth and roll < 0.45:
        return {_text(chance): document(chance, depth - 1) for _ in range(chance.randrange(6))}
    if depth and roll < 0.55:
        return [document(chance, depth - 1) for _ in range(chance.randrange(4))]
    if roll < 0.75:
        return _number(chance)
    return _text(chance) if roll < 0.95 else chance.choice([True, False, None])


def vectors() -> dict[str, Any]:
    """Return the content of vectors.json."""
    values: list[Any] = [
        None, True, 0, -0.0, 1.0, 0.1 + 0.2, 1e21, 1e-7, LARGEST, -LARGEST,
        "", "\u0000\u001f\x7f\"\\/é\u2028\U0001f600",
        [], {}, [[], {}], RFC_KEYS, {"__proto__": {"a": 1}, "constructor": 2}, [double(bits) for bits in RFC_BITS],
    ]  # fmt: skip
    chance = random.Random(8785)
    values += [document(chance) for _ in range(40)]
    sections = {
        "kpis": {"pageviews": 5, "rate": 33.3},
        "charts": {},
        "tabs.overview": {"pages": {"error": 0, "rows": {}}},
        "insights": section_of([StoredInsight("2026-11-22T10:00Z.00.000003", 1795343400, insight())]),
    }
    return {
        "values": [
            {"value": value, "canonical": rfc8785.dumps(value).decode(), "checksum": checksum(value)}
            for value in values
        ],
        "sections": {"value": sections, "checksums": checksums_of(sections)},
    }


def _number(chance: random.Random) -> int | float:
    roll = chance.randrange(5)
    if roll == 0:
        return chance.randint(-LARGEST, LARGEST)
    if roll == 1:
        return chance.randint(-20, 20)
    if roll == 2:
        return chance.uniform(-1, 1) * 10.0 ** chance.randint(-25, 25)
    if roll == 3:
        return round(chance.uniform(-1000, 1000), chance.randrange(7))
    while (number := double(f"{chance.getrandbits(64):016x}")) - number != 0:  # not finite
        pass
    return number


def _text(chance: random.Random) -> str:
    if chance.random() < 0.5:
        return "".join(chance.choice(PIECES) for _ in range(chance.randrange(4)))
    points = (chance.randrange(0x110000 >> chance.choice([0, 4, 13])) for _ in range(chance.randrange(6)))
    return "".join(chr(point) for point in points if not 0xD800 <= point < 0xE000)


if __name__ == "__main__":
    PATH.write_text(json.dumps(vectors(), indent=1) + "\n")
