"""Loopback ports for our servers."""

import random
import socket

from loanpulse.lab.process import ServerError

_PORTS = range(20_000, 32_000)  # below Linux's ephemeral range
_TRIES = 200


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A loopback port that nothing listens on.

    Outside of the ephemeral range: between a crash and a restart on the same port no outgoing connection may take it, and
    a client that keeps trying a dead ephemeral port can end up connected to itself.
    """
    for port in random.SystemRandom().sample(_PORTS, _TRIES):
        if is_free(port):
            return port
    raise ServerError(f"no free port on 127.0.0.1 from {_PORTS.start} to {_PORTS.stop - 1}")


def require_free(name: str, port: int) -> None:
    """Raise ServerError if another program has the port."""
    if not is_free(port):
        raise ServerError(f"{name} cannot start: port {port} is taken by another program")
