"""Messages to WebSocket connections, through API Gateway's management API."""

from __future__ import annotations

from botocore.exceptions import ClientError

from tidemark.aws import clients


class ApiGatewaySockets:
    """The `Sockets` port on API Gateway."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    @clients.translated()
    def send(self, connection: str, message: bytes) -> bool:
        """Send one message; answer False if the connection is gone."""
        try:
            clients.execute_api(self._endpoint).post_to_connection(ConnectionId=connection, Data=message)
        except ClientError as error:
            if _is_gone(error):
                return False
            raise
        return True

    @clients.translated()
    def disconnect(self, connection: str) -> None:
        """Close a connection; one that is gone already is closed."""
        try:
            clients.execute_api(self._endpoint).delete_connection(ConnectionId=connection)
        except ClientError as error:
            if not _is_gone(error):
                raise


def _is_gone(error: ClientError) -> bool:
    return error.response["ResponseMetadata"]["HTTPStatusCode"] == 410
