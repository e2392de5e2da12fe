"""The live page: the files beside this module in `page/`, served from memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

router = APIRouter(include_in_schema=False)

_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_HEADERS = {
    # Asked for again at each visit, answered 304 while nothing changed: page and scripts always fit together.
    "Cache-Control": "no-cache",
    # Scripts and styles only from here; the WebSocket API has another host, which the page cannot know beforehand.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class _Asset:
    content: bytes
    media_type: str
    etag: str


@router.get("/dashboard")
def page(request: Request) -> Response:
    """Return the page; its links are relative (`dashboard/app.js`), for locally the API lives under a path."""
    return _answer(request, "index.html")


@router.get("/dashboard/{name}")
def asset(request: Request, name: str) -> Response:
    """Return a script or a style of the page."""
    return _answer(request, name)


def _answer(request: Request, name: str) -> Response:
    found = _assets().get(name)
    if found is None:
        raise HTTPException(404, "there is no such file")
    headers = {**_HEADERS, "ETag": found.etag}
    if found.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type=found.media_type, headers=headers)


@cache
def _assets() -> dict[str, _Asset]:
    """Return every file that may be served, by name: what is not listed here cannot be reached by any path."""
    found = {}
    for file in resources.files("tidemark.http").joinpath("page").iterdir():
        suffix = "." + file.name.rpartition(".")[2]
        if suffix in _MEDIA_TYPES:
            content = file.read_bytes()
            etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
            found[file.name] = _Asset(content, _MEDIA_TYPES[suffix], etag)
    return found
