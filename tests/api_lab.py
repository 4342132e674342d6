"""What the API's tests share: a service with a token, at a clock that a test sets, and its answers judged by its own OpenAPI."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from httpx import ASGITransport, AsyncClient, Response
from jsonschema import Draft202012Validator

from loanpulse.serve.app import compose
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from tests.dispatch_lab import HandClock

TOKEN = "correct.horse.battery-staple"  # noqa: S105  # a test's own
PATH = "/api/v1/silences"
AT_TEN = "2026-03-02T10:00:00.000Z"
SNOOZE = {"case": {"subject": "Q-1", "kind": "query"}, "reason": "calls back", "by": "ann", "for": "2 hours"}


def token_file(directory: Path, text: str = f"{TOKEN}\n") -> Path:
    path = directory / "token"
    path.write_text(text, "utf-8")
    return path


class Api(NamedTuple):
    """A client with the token, one without, and what the service says of itself."""

    client: AsyncClient
    stranger: AsyncClient
    openapi: dict[str, Any]

    def said(self, answer: Response) -> Any:
        """What an answer says, after the OpenAPI has found it to be as it promises."""
        path = answer.request.url.path
        place = path if path in self.openapi["paths"] else f"{PATH}/{{silence_id}}"
        operation = self.openapi["paths"][place][answer.request.method.lower()]
        promised = operation["responses"][str(answer.status_code)]
        content = promised["content"][answer.headers["Content-Type"]]
        Draft202012Validator(self.whole(content["schema"])).validate(answer.json())
        assert {name.lower() for name in promised.get("headers", {})} <= answer.headers.keys()
        return answer.json()

    def whole(self, schema: dict[str, Any]) -> dict[str, Any]:
        """A schema with those that it refers to."""
        return schema | {"components": self.openapi["components"]}


def serving(url: str, directory: Path, clock: Clock | None = None) -> AbstractAsyncContextManager[Api]:
    """The service on the Redis at an address while it runs, from Monday at 10:00 on unless a clock is given."""
    return api(Settings(redis=url, api_token_file=token_file(directory)), clock or HandClock(AT_TEN))


def faults(answer: Any) -> dict[str, str]:
    """What a refusal says of each place."""
    return {error["pointer"]: error["detail"] for error in answer["errors"]}


@asynccontextmanager
async def api(settings: Settings, clock: Clock) -> AsyncIterator[Api]:
    """The service while it runs."""
    service = compose(settings, clock)
    served = ASGITransport(service)
    owner = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        service.router.lifespan_context(service),
        AsyncClient(transport=served, base_url="http://serve", headers=owner) as client,
        AsyncClient(transport=served, base_url="http://serve") as stranger,
    ):
        yield Api(client, stranger, service.openapi())
