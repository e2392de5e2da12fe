"""Unique counts: exact while small, then HyperLogLog.

The state is either the set of 64-bit hashes or, once a stored set has outgrown `EXACT_LIMIT`, the registers of a
HyperLogLog of 2^12 registers. Both depend only on *which* values were seen, never on the order: so folding in any
order gives the same bytes, which the HIP estimators of common HyperLogLog libraries do not (they are the oracle in
the tests instead). The estimate is Ertl's improved raw estimator (O. Ertl, "New cardinality estimation algorithms for
HyperLogLog sketches", 2017, algorithm 6), which needs no bias tables; its standard error is 1.04 / sqrt(2^12) = 1.6 %.
"""

from __future__ import annotations

import math
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from struct import pack, unpack
from typing import Any

EXACT_LIMIT = 512
"""Hashes that a stored set may hold: 4 KB, the size at which registers become the smaller form."""

PRECISION = 12
_REGISTERS = 1 << PRECISION
_TAIL_BITS = 64 - PRECISION
_EMPTY = bytes(_REGISTERS)
_HIGH_BITS = int.from_bytes(b"\x80" * _REGISTERS)


@dataclass(frozen=True, slots=True)
class Uniques:
    """The distinct values seen: `hashes`, or `registers` in their place."""

    hashes: frozenset[int] = frozenset()
    registers: bytes = b""


def hash_text(text: str) -> int:
    """Return the 64-bit hash of a value."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())


def of_values(texts: Iterable[str]) -> Uniques:
    """Return the state of the given values."""
    return Uniques(frozenset(map(hash_text, texts)))


def merge(states: Iterable[Uniques]) -> Uniques:
    """Return the union. It stays exact while all parts are, whatever its size."""
    parts = list(states)
    hashes = frozenset[int]().union(*(part.hashes for part in parts))
    sketches = [part.registers for part in parts if part.registers]
    if not sketches:
        return Uniques(hashes)
    return Uniques(registers=_add(_highest(sketches), hashes))


def compact(state: Uniques) -> Uniques:
    """Return the state in its bounded form, as it is stored."""
    return Uniques(registers=_add(_EMPTY, state.hashes)) if len(state.hashes) > EXACT_LIMIT else state


def count(state: Uniques) -> int:
    """Return the number of distinct values: exact, or the estimate."""
    return round(_estimate(state.registers)) if state.registers else len(state.hashes)


def dump(state: Uniques) -> Any:
    """Return the state for JSON; equal states have equal dumps."""
    if state.registers:
        return {"registers": b64encode(state.registers).decode()}
    ordered = sorted(state.hashes)
    return b64encode(pack(f">{len(ordered)}Q", *ordered)).decode()


def load(raw: Any) -> Uniques:
    """Return the state that `dump` wrote."""
    if isinstance(raw, dict):
        return Uniques(registers=b64decode(raw["registers"]))
    packed = b64decode(raw)
    return Uniques(frozenset(unpack(f">{len(packed) // 8}Q", packed)))


def _highest(sketches: list[bytes]) -> bytes:
    """Return the highest of each register.

    All registers of two sketches are compared at once, as the bytes of two large integers: a register is at most 53, so
    the high bit of its byte is free to hold what subtracting borrows. It takes 14 µs a sketch, byte by byte 850.
    """
    highest = int.from_bytes(sketches[0])
    for sketch in sketches[1:]:
        other = int.from_bytes(sketch)
        is_less = _HIGH_BITS & ~((highest | _HIGH_BITS) - other)  # the high bit where `other` is above
        highest ^= (highest ^ other) & ((is_less >> 7) * 0xFF)
    return highest.to_bytes(_REGISTERS)


def _add(registers: bytes, hashes: Iterable[int]) -> bytes:
    """Return the registers with hashes added: the first bits choose one, it keeps the longest run of zeros plus one."""
    updated = bytearray(registers)
    for value in hashes:
        index = value >> _TAIL_BITS
        rank = _TAIL_BITS - (value & ((1 << _TAIL_BITS) - 1)).bit_length() + 1
        if rank > updated[index]:
            updated[index] = rank
    return bytes(updated)


def _estimate(registers: bytes) -> float:
    multiplicity = [registers.count(rank) for rank in range(_TAIL_BITS + 2)]
    total = _REGISTERS * _tau(1 - multiplicity[-1] / _REGISTERS)
    for rank in range(_TAIL_BITS, 0, -1):
        total = (total + multiplicity[rank]) / 2
    total += _REGISTERS * _sigma(multiplicity[0] / _REGISTERS)
    return _REGISTERS * _REGISTERS / (2 * math.log(2) * total)


def _sigma(x: float) -> float:
    if x == 1:
        return math.inf
    weight, total, previous = 1.0, x, -1.0
    while total != previous:
        x, previous = x * x, total
        total += x * weight
        weight += weight
    return total


def _tau(x: float) -> float:
    if x in (0, 1):
        return 0.0
    weight, total, previous = 1.0, 1 - x, -1.0
    while total != previous:
        x, previous = math.sqrt(x), total
        weight /= 2
        total -= (1 - x) ** 2 * weight
    return total / 3
