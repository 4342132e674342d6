"""Runs the HTTP service until it is cancelled."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator

import uvicorn

from loanpulse.serve.app import create_app
from streams.runtime.settings import Settings

log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """Signals are the command's: it cancels, and then this ends in order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(settings: Settings) -> None:
    """Listen where the settings say. Raises OSError if the port is taken."""
    app = create_app(settings)
    family = socket.AF_INET6 if ":" in settings.serve_host else socket.AF_INET
    listening = socket.create_server((settings.serve_host, settings.serve_port), family=family)
    log.info("listening on %s port %d", *listening.getsockname()[:2])
    server = _Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=2))
    serving = asyncio.create_task(server.serve([listening]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise
