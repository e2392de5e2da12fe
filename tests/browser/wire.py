"""What a tab sends and receives, as Chromium's network log has it (Chrome DevTools Protocol)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page

FRAMING_BYTES = 4
"""The head of a frame of up to 64 KB that comes from a server (RFC 6455, section 5.2)."""


class Wire:
    """Listens to the network of one tab from now on."""

    def __init__(self, page: Page) -> None:
        self.sockets: list[str] = []
        """The address of every WebSocket."""
        self.closed_sockets = 0
        self.addresses: list[str] = []
        """The address of every request."""
        self.transferred: list[str] = []
        """The address of every request whose answer came over the network with a body, not from the cache."""
        self._page = page
        self._frames: list[str] = []
        self._waiting: set[tuple[str, str]] = set()
        self._by_id: dict[str, str] = {}
        self._cached: set[str] = set()
        self._bytes: dict[str, int] = {}
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.webSocketCreated", lambda event: self.sockets.append(event["url"]))
        session.on("Network.webSocketClosed", self._on_closed)
        session.on("Network.webSocketFrameSent", self._on_frame_sent)
        session.on("Network.webSocketFrameReceived", self._on_frame_received)
        session.on("Network.requestWillBeSent", self._on_request)
        session.on("Network.requestServedFromCache", lambda event: self._cached.add(event["requestId"]))
        session.on("Network.responseReceived", self._on_response)
        session.on("Network.loadingFinished", self._on_finished)

    def forget(self) -> None:
        """Begin anew to note WebSockets and what they receive."""
        self.sockets.clear()
        self._frames.clear()

    def settle(self, quiet_ms: int) -> None:
        """Wait until every request over a WebSocket is answered, and nothing has come for so long."""
        quiet = 0
        while quiet < quiet_ms:
            frames = len(self._frames)
            self._page.wait_for_timeout(20)
            quiet = 0 if self._waiting or len(self._frames) > frames else quiet + 20

    def received_bytes(self) -> int:
        """How much came over WebSockets: payloads, in UTF-8, and their framing."""
        return sum(len(frame.encode()) + FRAMING_BYTES for frame in self._frames)

    def page_bytes(self) -> int:
        """How much the page and its files took on the wire, with the heads of the answers."""
        self._page.wait_for_timeout(100)  # what is still to be told
        return sum(size for request, size in self._bytes.items() if "/dashboard" in urlsplit(self._by_id[request]).path)

    def hosts(self) -> set[str]:
        """Every host that was asked for anything."""
        return {urlsplit(address).netloc for address in (*self.addresses, *self.sockets)}

    def _on_closed(self, event: dict[str, Any]) -> None:
        self.closed_sockets += 1
        self._waiting = {(socket, request) for socket, request in self._waiting if socket != event["requestId"]}

    def _on_frame_sent(self, event: dict[str, Any]) -> None:
        self._waiting.add((event["requestId"], json.loads(event["response"]["payloadData"])["id"]))

    def _on_frame_received(self, event: dict[str, Any]) -> None:
        text = event["response"]["payloadData"]
        self._frames.append(text)
        self._waiting.discard((event["requestId"], json.loads(text).get("id", "")))

    def _on_request(self, event: dict[str, Any]) -> None:
        address = event["request"]["url"]
        self._by_id[event["requestId"]] = address
        if not address.startswith("data:"):
            self.addresses.append(address)

    def _on_response(self, event: dict[str, Any]) -> None:
        response = event["response"]
        if response.get("fromDiskCache") or response["status"] == 304:
            self._cached.add(event["requestId"])

    def _on_finished(self, event: dict[str, Any]) -> None:
        request = event["requestId"]
        if request not in self._by_id:
            return
        self._bytes[request] = event["encodedDataLength"]
        if request not in self._cached:
            self.transferred.append(self._by_id[request])
