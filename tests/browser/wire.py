"""What a tab sends and receives, as Chromium's network log has it (Chrome DevTools Protocol)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page


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
        self._frames: list[str] = []
        self._by_id: dict[str, str] = {}
        self._cached: set[str] = set()
        self._bytes: dict[str, int] = {}
        self._page = page
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.webSocketCreated", lambda event: self.sockets.append(event["url"]))
        session.on("Network.webSocketClosed", self._on_closed)
        session.on(
            "Network.webSocketFrameReceived", lambda event: self._frames.append(event["response"]["payloadData"])
        )
        session.on("Network.requestWillBeSent", self._on_request)
        session.on("Network.requestServedFromCache", lambda event: self._cached.add(event["requestId"]))
        session.on("Network.responseReceived", self._on_response)
        session.on("Network.loadingFinished", self._on_finished)

    @property
    def frames(self) -> int:
        """How many messages have come over WebSockets."""
        return len(self._frames)

    def received_bytes(self) -> int:
        """How much came over WebSockets: payloads, in UTF-8, with 4 bytes of framing each."""
        return sum(len(frame.encode()) + 4 for frame in self._frames)

    def page_bytes(self) -> int:
        """How much the page and its files took on the wire, with the heads of the answers."""
        self._page.wait_for_timeout(100)  # what is still to be told
        return sum(
            size for request, size in self._bytes.items() if "/dashboard" in urlsplit(self._by_id[request]).path[-60:]
        )

    def hosts(self) -> set[str]:
        """Every host that was asked for anything."""
        return {urlsplit(address).netloc for address in (*self.addresses, *self.sockets)}

    def _on_closed(self, event: dict[str, Any]) -> None:
        self.closed_sockets += 1

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
