"""The HTTP service: /metrics for Prometheus, /healthz and /readyz for whoever runs it, /api/v1 for other programs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import FastAPI, Header, Response

from loanpulse.serve.api.access import access_by
from loanpulse.serve.api.asking import Asking
from loanpulse.serve.api.problem import answer_with_problems
from loanpulse.serve.api.silences import silences_router
from loanpulse.serve.exporter import Exporter
from loanpulse.serve.view import Watch
from streams.runtime.clock import Clock, clock_of
from streams.runtime.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The service that the settings describe, which name a Redis. Raises SettingsError if there is no token to be read."""
    return compose(settings, clock_of(settings))


def compose(settings: Settings, clock: Clock) -> FastAPI:
    """The service at a clock. It reads Redis only while the application runs."""
    access = access_by(settings.api_token_file)
    watch, asking = Watch(settings), Asking(settings)
    exporter = Exporter(settings, clock, lambda: watch.view)

    @asynccontextmanager
    async def watching(_: FastAPI) -> AsyncIterator[None]:
        async with watch.running(), asking.running():
            yield

    app = FastAPI(title="LoanPulse", version=version("loanpulse"), lifespan=watching)
    answer_with_problems(app)
    app.include_router(silences_router(asking, clock, settings.namespace, access))

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
