"""DynamoDB's typed attribute values, to and from plain Python.

boto3 has this too, but with `Decimal` for every number and `Binary` for bytes; the tables here hold strings, integers,
bytes, string sets, lists and maps only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Item = dict[str, Any]
"""An item as the low-level client has it: {"name": {"S": "value"}}"""


def encode(attributes: Mapping[str, Any]) -> Item:
    """Return the item of `attributes`; those that are None are left out. An empty set cannot be stored."""
    return {name: _encode(value) for name, value in attributes.items() if value is not None}


def decode(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plain attributes of an item."""
    return {name: _decode(value) for name, value in item.items()}


def _encode(value: Any) -> dict[str, Any]:
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case bytes():
            return {"B": value}
        case set() | frozenset():
            return {"SS": sorted(value)}
        case list() | tuple():
            return {"L": [_encode(element) for element in value]}
        case Mapping():
            return {"M": {name: _encode(element) for name, element in value.items()}}
    raise TypeError(f"no DynamoDB type for {type(value).__name__}")


def _decode(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return int(content)
        case "SS":
            return set(content)
        case "L":
            return [_decode(element) for element in content]
        case "M":
            return {name: _decode(element) for name, element in content.items()}
        case "NULL":
            return None
    return bytes(content) if kind == "B" else content
