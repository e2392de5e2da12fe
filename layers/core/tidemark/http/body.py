"""Request bodies: bounded while they are read and while they are inflated, then parsed."""

from __future__ import annotations

import json
import zlib
from typing import Any

from fastapi import Request

from tidemark.domain.errors import InvalidRequest, RequestTooLarge

MAX_BODY_BYTES = 500 * 1024
"""Segment's bound on a batch, here after decompression."""

_GZIP = zlib.MAX_WBITS | 16
_TOO_LARGE = f"the request has more than {MAX_BODY_BYTES} bytes"


async def read_body(request: Request) -> bytes:
    """Return the body, decompressed (a FastAPI dependency).

    Raises
    ------
    RequestTooLarge
        It has more than 500 KB; a body that inflates to more is given up at the bound, however much would follow.
    InvalidRequest
        It is not in the encoding that its header says, or that is neither gzip nor identity.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "x-gzip"):
        raise InvalidRequest("the content encoding is gzip or none", field="content-encoding")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise RequestTooLarge(_TOO_LARGE)
    # API Gateway may have decompressed a body already, and leaves the header as it was.
    compressed = encoding in ("gzip", "x-gzip") and not body.lstrip().startswith(b"{")
    return inflate(bytes(body)) if compressed else bytes(body)


def inflate(compressed: bytes) -> bytes:
    """Return the content of gzip data, of all its members; raises as `read_body` does."""
    content = bytearray()
    while compressed:
        member = zlib.decompressobj(_GZIP)
        try:
            content += member.decompress(compressed, MAX_BODY_BYTES + 1 - len(content))
        except zlib.error:
            raise InvalidRequest("the body is not valid gzip", field="content-encoding") from None
        if len(content) > MAX_BODY_BYTES:
            raise RequestTooLarge(_TOO_LARGE)
        if not member.eof:
            raise InvalidRequest("the gzip data ends too early", field="content-encoding")
        compressed = member.unused_data
    return bytes(content)


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that `body` is, whatever its content type says; browsers' beacons send text/plain.

    Raises
    ------
    InvalidRequest
        It is no JSON (code `invalid_json`), or no object.
    """
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        # ValueError is also what an integer of thousands of digits and a broken encoding raise.
        raise InvalidRequest("the body is not valid JSON", code="invalid_json") from None
    if not isinstance(parsed, dict):
        raise InvalidRequest("the body is a JSON object")
    return parsed
