"""How the built page and the SDK are served: policy, caching, compression; and what is said when there is no build."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from tests.gateway import Gateway
from tidemark.http import assets, errors
from tidemark.http.context import RequestContext

SCRIPT = "export const text = 'tide';\n" * 50
FILES = {
    "index.html": '<script type="module" src="dashboard/index-AbC_12-x.js"></script>' * 3,
    "admin.html": '<script type="module" src="dashboard/admin-AbC_12-x.js"></script>' * 3,
    "index-AbC_12-x.js": SCRIPT,
    "index-12345678.css": "p{}",
    "icon.svg": "<svg/>",
    "tidemark.js": SCRIPT,
    "notes.txt": "not for the public",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that is served, still empty."""
    monkeypatch.setattr(assets, "PAGE", tmp_path / "page")
    assets._assets.cache_clear()
    yield tmp_path / "page"
    assets._assets.cache_clear()


@pytest.fixture
def app() -> FastAPI:
    made = FastAPI(redirect_slashes=False)
    made.add_middleware(RequestContext)
    errors.install(made)
    made.include_router(assets.router)
    return made


@pytest.fixture
def api(app: FastAPI, folder: Path) -> Iterator[Gateway]:
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    gateway = Gateway(app)
    yield gateway
    gateway.close()


@pytest.mark.parametrize(("address", "name"), [("/dashboard", "index.html"), ("/admin", "admin.html")])
def test_a_page_has_a_strict_policy_and_is_asked_for_again_at_each_visit(api: Gateway, address: str, name: str) -> None:
    page = api.get(address)
    assert (page.status, page.content.decode()) == (200, FILES[name])
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_what_the_browser_has_is_not_sent_again(api: Gateway, form: str) -> None:
    page = api.get("/dashboard")
    again = api.get("/dashboard", if_none_match=form.format(page.headers["etag"].removeprefix("W/")))
    assert (again.status, again.content) == (304, b"")
    assert {name: again.headers[name] for name in ("etag", "cache-control", "vary")} == {
        name: page.headers[name] for name in ("etag", "cache-control", "vary")
    }
    assert api.get("/dashboard", if_none_match='"other"').status == 200


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("index-AbC_12-x.js", "text/javascript; charset=utf-8"), ("index-12345678.css", "text/css; charset=utf-8")],
)
def test_a_file_whose_name_changes_with_its_content_is_kept_for_a_year(
    api: Gateway, name: str, media_type: str
) -> None:
    answer = api.get(f"/dashboard/{name}")
    assert answer.content.decode() == FILES[name]
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == media_type


def test_a_file_with_a_lasting_name_is_not(api: Gateway) -> None:
    assert api.get("/dashboard/icon.svg").headers["cache-control"] == "no-cache"


def test_any_site_may_import_the_sdk(api: Gateway) -> None:
    answer = api.get("/tidemark.js", origin="https://shop.example")
    assert answer.content.decode() == SCRIPT
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert api.get("/tidemark.js", if_none_match=answer.headers["etag"]).status == 304


@pytest.mark.parametrize("accepted", ["gzip", "gzip, deflate, br, zstd", "br;q=1.0, GZIP;q=0.5", "identity, gzip"])
def test_who_accepts_gzip_gets_it_through_the_gateway(api: Gateway, accepted: str) -> None:
    answer = api.get("/dashboard/index-AbC_12-x.js", accept_encoding=accepted)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert len(answer.content) < len(SCRIPT) / 5
    assert gzip.decompress(answer.content).decode() == SCRIPT


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "gzip; q=0.000", "*", "x-gzip"])
def test_who_does_not_gets_the_file_as_it_is(api: Gateway, accepted: str) -> None:
    answer = api.get("/dashboard/index-AbC_12-x.js", accept_encoding=accepted)
    assert "content-encoding" not in answer.headers
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.content.decode() == SCRIPT


def test_what_gzip_would_lengthen_is_sent_as_it_is(api: Gateway) -> None:
    assert "content-encoding" not in api.get("/dashboard/index-12345678.css", accept_encoding="gzip").headers


@pytest.mark.parametrize("path", ["notes.txt", "nothing.js", "..%2Fapp.py", "%2e%2e/app.py", ""])
def test_nothing_else_can_be_reached(api: Gateway, path: str) -> None:
    answer = api.get(f"/dashboard/{path}")
    assert (answer.status, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/dashboard", "/admin", "/dashboard/index-AbC_12-x.js", "/tidemark.js"])
@pytest.mark.parametrize("built", [None, "index.html", "tidemark.js"])
def test_a_deployment_without_a_whole_build_says_so(app: FastAPI, folder: Path, built: str | None, path: str) -> None:
    if built:
        folder.mkdir()
        (folder / built).write_text("x")
    gateway = Gateway(app)
    answer = gateway.get(path)
    gateway.close()
    assert (answer.status, answer.json()["code"]) == (404, "not_found")
    assert "make dashboard" in answer.json()["message"]
