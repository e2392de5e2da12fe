"""How AWS counts what it bills: sizes and their rounding. Pure.

Sources: "DynamoDB item sizes and formats" and "DynamoDB read and write operations" in the DynamoDB developer guide,
"Configure Lambda function memory" in Lambda's (1,769 MB are one vCPU), and the pricing pages named in prices.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil
from typing import Any

WRITE_BYTES = 1024
READ_BYTES = 4096
HTTP_BYTES = 512 * 1024
MESSAGE_BYTES = 32 * 1024
QUEUE_BYTES = 64 * 1024
STORED_OVERHEAD_BYTES = 100
"""DynamoDB adds these to every item that it stores."""
LOG_EVENT_BYTES = 26
"""CloudWatch Logs adds these to every line."""
FULL_CPU_MB = 1769

Item = Mapping[str, Mapping[str, Any]]


def item_bytes(item: Item) -> int:
    """Return the size of an item in DynamoDB's own form: names and values."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def write_units(item_size: int, previous_size: int = 0, *, transactional: bool = False) -> int:
    """Return the units of a write: of the larger of the item before and after, 1 KB each, twice in a transaction."""
    units = max(1, ceil(max(item_size, previous_size) / WRITE_BYTES))
    return units * 2 if transactional else units


def read_units(sizes: Iterable[int], *, consistent: bool) -> float:
    """Return the units of reading single items: 4 KB each, rounded up item by item, half if eventually consistent."""
    units = sum(max(1, ceil(size / READ_BYTES)) for size in sizes)
    return units if consistent else units / 2


def query_units(sizes: Iterable[int], *, consistent: bool) -> float:
    """Return the units of one page of a query: of all items together."""
    return read_units([sum(sizes)], consistent=consistent)


def blocks(size: int, block: int) -> int:
    """Return how many blocks a request or message counts for, at least one."""
    return max(1, ceil(size / block))


def billed_seconds(cpu_seconds: float, waiting_seconds: float, memory_mb: int) -> float:
    """Return the billed duration, in whole milliseconds.

    Below 1,769 MB a function has a share of a vCPU in proportion to its memory, so that computing takes longer; waiting
    does not. A vCPU is taken to be as fast as a core of this machine.
    """
    stretched = cpu_seconds * max(1.0, FULL_CPU_MB / memory_mb)
    return ceil((stretched + waiting_seconds) * 1000) / 1000


def gb_seconds(seconds: float, memory_mb: int) -> float:
    """Return the GB-seconds of a duration."""
    return seconds * memory_mb / 1024


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(str(content).encode())
        case "N":
            digits = str(content).lstrip("-").replace(".", "").strip("0")
            return ceil(len(digits) / 2) + 1 + str(content).startswith("-")
        case "B":
            return len(content)
        case "BOOL" | "NULL":
            return 1
        case "SS":
            return sum(len(element.encode()) for element in content)
        case "L":
            return 3 + sum(1 + _value_bytes(element) for element in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_bytes(element) for name, element in content.items())
    raise ValueError(f"no size is known for {kind}")
