"""`$default`: whatever no route takes is answered with an error, never with silence."""

from __future__ import annotations

from tidemark.websocket import refuse

handler = refuse
