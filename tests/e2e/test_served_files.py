"""What the deployed API serves beside events and views: the built pages, the SDK, and its own description."""

from __future__ import annotations

import gzip

import pytest

from local.dashboard import PAGE, files
from tests.e2e.tenant import Tenant

BUILT = {path.name: path for path in files(PAGE)}
ADDRESSES = {"index.html": "/dashboard", "admin.html": "/admin", "tidemark.js": "/tidemark.js"}


def test_there_is_a_build() -> None:
    assert BUILT.keys() > ADDRESSES.keys()


@pytest.mark.parametrize("name", sorted(BUILT))
def test_every_file_of_the_build_is_served_compressed_as_it_was_built(tenant: Tenant, name: str) -> None:
    address = ADDRESSES.get(name, f"/dashboard/{name}")
    with tenant.http.stream("GET", address, headers={"Accept-Encoding": "gzip"}) as answer:
        content = b"".join(answer.iter_raw())
    assert answer.status_code == 200
    assert answer.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers.get_list("vary", split_commas=True)
    assert gzip.decompress(content) == BUILT[name].read_bytes()
    kept = "no-cache" if name in ADDRESSES else "public, max-age=31536000, immutable"
    assert answer.headers["cache-control"] == kept
    again = tenant.http.get(address, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_any_site_may_import_the_sdk(tenant: Tenant) -> None:
    answer = tenant.http.get("/tidemark.js", headers={"Origin": "https://shop.example", "Accept-Encoding": "identity"})
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.content == BUILT["tidemark.js"].read_bytes()


def test_the_api_describes_itself(tenant: Tenant) -> None:
    docs, described = tenant.http.get("/docs"), tenant.http.get("/openapi.json")
    assert (docs.status_code, described.status_code) == (200, 200)
    assert "openapi.json" in docs.text
    assert {"/v1/batch", "/v1/workspaces/{workspace}/snapshot"} <= set(described.json()["paths"])
