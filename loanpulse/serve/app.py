"""The HTTP service: /metrics for Prometheus, /healthz and /readyz for whoever runs it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import FastAPI, Header, Response

from loanpulse.serve.exporter import Exporter
from loanpulse.serve.view import Watch
from streams.runtime.clock import Clock, clock_of
from streams.runtime.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The service that the settings describe, which name a Redis."""
    return compose(settings, clock_of(settings))


def compose(settings: Settings, clock: Clock) -> FastAPI:
    """The service at a clock. It reads Redis only while the application runs."""
    watch = Watch(settings)
    exporter = Exporter(settings, clock, lambda: watch.view)

    @asynccontextmanager
    async def watching(_: FastAPI) -> AsyncIterator[None]:
        async with watch.running():
            yield

    app = FastAPI(title="LoanPulse", version=version("loanpulse"), lifespan=watching)

    @app.get("/metrics")
    def metrics(
        accept: Annotated[str, Header()] = "", accept_encoding: Annotated[str, Header()] = ""
    ) -> Response:
        page = exporter.page(accept, accept_encoding)
        return Response(page.body, headers=page.headers)

    @app.get("/healthz")
    async def healthz(response: Response) -> dict[str, Any]:
        """Whether this process works; a restart is never asked for where it cannot help, as when Redis is down."""
        response.status_code = 200 if watch.is_running else 503
        return {"alive": watch.is_running, "version": version("loanpulse")}

    @app.get("/readyz")
    async def readyz(response: Response) -> dict[str, Any]:
        """Whether this process can show the board (503 if not, with why), and why the board is not shown if it is stale."""
        reasons = watch.view.unready()
        response.status_code = 503 if reasons else 200
        stale = watch.view.stale(clock.now_ms(), settings.stale_seconds)
        return {"ready": not reasons, "reasons": reasons, "stale": stale}

    return app
