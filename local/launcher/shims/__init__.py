"""One module a shim; each says what MiniStack 1.5.33 does, what AWS does, and when the shim can go.

A shim has one function, `install()`, which replaces names inside MiniStack before it serves. The behaviour that each
restores is tested in tests/integration/test_local_launcher.py: to find out whether a new version of MiniStack still
needs a shim, leave its name out of `SHIMS` and run that test.
"""

from __future__ import annotations

from importlib import import_module

SHIMS = (
    "log_wait",
    "iam_actions",
    "error_types",
    "websocket_routes",
    "http_api_routes",
    "http_api_cors",
    "compressed_bodies",
    "table_ttl",
    "ttl_stream_records",
    "stream_pollers",
    "shared_code",
    "bounded_workers",
    "reserved_concurrency",
    "accepted_types",
    "durable_state",
)


def install_all() -> None:
    """Install every shim, in the order of `SHIMS`."""
    for name in SHIMS:
        import_module(f"{__name__}.{name}").install()
