"""The HTTP API, as API Gateway calls it."""

from __future__ import annotations

import logging

from mangum import Mangum

from tidemark.administration import administration
from tidemark.bootstrap import container
from tidemark.http.app import create_app

logging.getLogger("mangum").setLevel(logging.WARNING)  # it would log each request a second time
handler = Mangum(create_app(container(), administration=administration()), lifespan="off")
