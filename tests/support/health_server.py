"""A real gRPC server with the health service of its authors; its threads are its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class HealthServer:
    """Serves grpc.health.v1 on an address of its own, or nothing at all if it is not `with_health`."""

    def __init__(
        self, path: str = "", key_and_chain: tuple[bytes, bytes] | None = None, with_health: bool = True
    ) -> None:
        self._server = grpc.server(ThreadPoolExecutor(max_workers=2))
        self._health = health.HealthServicer()
        if with_health:
            health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        address = f"unix:{path}" if path else "127.0.0.1:0"
        if key_and_chain is None:
            self.port = self._server.add_insecure_port(address)
        else:
            self.port = self._server.add_secure_port(address, grpc.ssl_server_credentials([key_and_chain]))
        self._server.start()

    def say(self, service: str, status: int) -> None:
        """From now on."""
        self._health.set(service, status)

    def close(self) -> None:
        """Answer no more."""
        self._server.stop(None).wait()
