"""The way into a local run."""

from __future__ import annotations

from dataclasses import fields, replace
from urllib.parse import parse_qs, urlsplit

from local.access import dashboard_url
from local.outputs import Outputs


def test_the_address_of_the_page_opens_it_without_showing_the_token_to_a_server() -> None:
    outputs = Outputs(**dict.fromkeys((each.name for each in fields(Outputs)), "x"))
    outputs = replace(outputs, read_token="header.pay+load.sign")
    address = urlsplit(dashboard_url("http://127.0.0.1:4566/_aws/execute-api/a1/dashboard", outputs))
    assert address.path == "/_aws/execute-api/a1/dashboard"
    assert parse_qs(address.query) == {"dashboard": ["web"], "days": ["30"]}
    assert parse_qs(address.fragment) == {"token": ["header.pay+load.sign"]}
