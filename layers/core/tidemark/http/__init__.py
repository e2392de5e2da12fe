"""The HTTP API: FastAPI routers that parse, call one service and map its result."""
