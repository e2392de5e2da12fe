"""The live page, the admin page and the SDK: what `make dashboard` built into `page/` beside this, from memory.

API Gateway's HTTP API does not compress, so that files are compressed here, once a process.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from tidemark.http.conditional import is_named

router = APIRouter(include_in_schema=False)

PAGE = resources.files("tidemark.http").joinpath("page")
INDEX = "index.html"
ADMIN = "admin.html"
SDK = "tidemark.js"

_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_HASHED = re.compile(r".+-[\w-]{8}\.[a-z]+", re.ASCII)
"""How the bundler ends a name that changes with the content: `index-BqT3k_x9.js`."""
_COMMON = {
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}
_PAGE_POLICY = {
    # Scripts and styles only from here; the WebSocket API has another host, which the page cannot know beforehand.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}
_ANYWHERE = {"Cross-Origin-Resource-Policy": "cross-origin"}  # and the gateway allows any origin to read
_REVALIDATED = {"Cache-Control": "no-cache"}  # asked for again at each visit, answered 304 while nothing changed
_IMMUTABLE = {"Cache-Control": "public, max-age=31536000, immutable"}


@dataclass(frozen=True)
class Asset:
    """A file as it is served."""

    content: bytes
    media_type: str

    @cached_property
    def etag(self) -> str:
        """The entity tag; weak, for it stands for the compressed form as well."""
        return f'W/"{hashlib.sha256(self.content).hexdigest()[:32]}"'

    @cached_property
    def compressed(self) -> bytes:
        """The content under gzip."""
        return gzip.compress(self.content, mtime=0)


@router.get("/dashboard")
def page(request: Request) -> Response:
    """Return the page; its links are relative (`dashboard/app.js`), for locally the API lives under a path."""
    return _answer(request, _found(INDEX), {**_REVALIDATED, **_PAGE_POLICY})


@router.get("/admin")
def admin_page(request: Request) -> Response:
    """Return the admin page, whose files are the dashboard's: it holds nothing that only an admin may see."""
    return _answer(request, _found(ADMIN), {**_REVALIDATED, **_PAGE_POLICY})


@router.get("/dashboard/{name}")
def asset(request: Request, name: str) -> Response:
    """Return a script, a style or an image of the pages: for a year, if its name changes with its content."""
    return _answer(request, _found(name), _IMMUTABLE if _HASHED.fullmatch(name) else _REVALIDATED)


@router.get("/tidemark.js")
def sdk(request: Request) -> Response:
    """Return the browser SDK, an ES module that any site may import."""
    return _answer(request, _found(SDK), {**_REVALIDATED, **_ANYWHERE})


def _found(name: str) -> Asset:
    assets = _assets()
    if not assets.keys() >= {INDEX, ADMIN, SDK}:
        raise HTTPException(404, "this deployment has no dashboard: run `make dashboard`, then build and deploy again")
    if name not in assets:
        raise HTTPException(404, "there is no such file")
    return assets[name]


def _answer(request: Request, found: Asset, headers: dict[str, str]) -> Response:
    headers = {**_COMMON, **headers, "ETag": found.etag}
    if is_named(request.headers.get("if-none-match", ""), found.etag):
        return Response(status_code=304, headers=headers)
    content = found.content
    if _accepts_gzip(request.headers.get("accept-encoding", "")) and len(found.compressed) < len(content):
        content, headers["Content-Encoding"] = found.compressed, "gzip"
    return Response(content, media_type=found.media_type, headers=headers)


def _accepts_gzip(accepted: str) -> bool:
    """Tell whether Accept-Encoding allows gzip by name; `*` is not taken at its word."""
    for choice in accepted.lower().split(","):
        name, _, weight = choice.partition(";")
        if name.strip() == "gzip":
            return not re.fullmatch(r"q=0(\.0*)?", weight.replace(" ", ""))
    return False


@cache
def _assets() -> dict[str, Asset]:
    """Return every file that may be served, by name: what is not listed here cannot be reached by any path."""
    if not PAGE.is_dir():
        return {}
    found = {}
    for file in PAGE.iterdir():
        suffix = "." + file.name.rpartition(".")[2]
        if suffix in _MEDIA_TYPES:
            found[file.name] = Asset(file.read_bytes(), _MEDIA_TYPES[suffix])
    return found
