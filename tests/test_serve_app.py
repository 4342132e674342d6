"""The HTTP service by itself, without any server behind it."""

import asyncio

from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response

from loanpulse.lab.ports import free_port
from loanpulse.serve.app import create_app
from streams.runtime.settings import Settings


def app() -> FastAPI:
    """Its Redis is a port on which nobody listens."""
    return create_app(Settings(redis=f"redis://127.0.0.1:{free_port()}/0"))


async def answer(service: FastAPI, path: str, **headers: str) -> Response:
    async with AsyncClient(transport=ASGITransport(service), base_url="http://serve") as client:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await client.get(path, headers=named)


def while_it_runs(path: str, **headers: str) -> Response:
    """The answer of a service between its start and its end."""

    async def tell() -> Response:
        service = app()
        async with service.router.lifespan_context(service):
            return await answer(service, path, **headers)

    return asyncio.run(tell())


def test_a_process_lives_without_redis_but_is_not_ready() -> None:
    assert while_it_runs("/healthz").status_code == 200
    unready = while_it_runs("/readyz")
    assert unready.status_code == 503
    assert unready.json()["reasons"] == ["Redis does not answer", "no board has been stored yet"]


def test_a_process_that_reads_no_board_any_more_does_not_live() -> None:
    async def tell() -> Response:
        service = app()
        async with service.router.lifespan_context(service):
            pass
        return await answer(service, "/healthz")

    assert asyncio.run(tell()).status_code == 503


def test_metrics_come_in_the_form_that_is_asked_for() -> None:
    plain = while_it_runs("/metrics", accept_encoding="identity")
    packed = while_it_runs("/metrics", accept="application/openmetrics-text", accept_encoding="gzip")
    assert plain.headers["Content-Type"].startswith("text/plain; version=")
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Type"].startswith("application/openmetrics-text")
    assert packed.headers["Content-Encoding"] == "gzip"
    for page in (plain, packed):
        assert "loanpulse_redis_up 0.0" in page.text
        assert set(page.headers["Vary"].split(", ")) == {"Accept", "Accept-Encoding"}
