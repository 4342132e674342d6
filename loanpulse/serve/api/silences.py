"""`/api/v1/silences`: what is not to be told for a while, listed, added and ended."""

import logging
from typing import Annotated

from fastapi import APIRouter, Body, Response, Security

from loanpulse.dispatch.silence import Silence, SilenceError
from loanpulse.dispatch.silences import add_silence, end_silence, silences_in_force
from loanpulse.serve.api import access
from loanpulse.serve.api.access import Access
from loanpulse.serve.api.asking import AWAY, Asking
from loanpulse.serve.api.problem import INVALID, OTHERS, Problem, invalid, told
from loanpulse.serve.api.silence import NewSilence, StoredSilence, stored
from streams.runtime.clock import Clock
from streams.runtime.script import Client

PATH = "/api/v1/silences"

_NONE = "there is no silence {} in force: GET " + PATH + " lists them"
_MISSING = told(404, _NONE.format("4f1c09aa"))
_WRONG = told(INVALID, "by is missing; reason is '': string should have at least 1 character")
_LOCATION = {"Location": {"schema": {"type": "string"}, "example": f"{PATH}/4f1c09aa"}}

log = logging.getLogger(__name__)


def silences_router(asking: Asking, clock: Clock, namespace: str, guard: Access) -> APIRouter:
    """The routes, for who has the token."""
    router = APIRouter(
        prefix=PATH,
        tags=["silences"],
        route_class=guard.guarded(),
        dependencies=[Security(access.shown)],
        responses=access.REFUSALS | AWAY | OTHERS,
    )

    @router.get("")
    async def silences() -> list[StoredSilence]:
        """The silences in force, the first to end first."""
        return [stored(it) for it in await in_force()]

    @router.get("/{silence_id}", responses=_MISSING)
    async def silence(silence_id: str) -> StoredSilence:
        """One silence in force."""
        return stored(_demand(next((it for it in await in_force() if it.id == silence_id), None), silence_id))

    @router.post(
        "",
        status_code=201,
        responses=_WRONG | {201: {"headers": _LOCATION}},
    )
    async def add(wanted: Annotated[NewSilence, Body()], response: Response) -> StoredSilence:
        """Let alerts wait until an instant; what is over by then is never told. A silence of a case reminds of it."""
        now_ms = clock.now_ms()

        async def question(redis: Client) -> Silence:
            return await add_silence(
                redis, namespace, wanted.covered, reason=wanted.reason, by=wanted.by,
                end_ms=wanted.end_ms(now_ms), now_ms=now_ms,
            )  # fmt: skip

        try:
            made = await asking.ask(question)
        except SilenceError as error:
            raise invalid([wanted.fault(error)]) from None
        log.info("silence %s was added by %s", made.id, made.by)
        response.headers["Location"] = f"{PATH}/{made.id}"
        return stored(made)

    @router.delete("/{silence_id}", responses=_MISSING)
    async def end(silence_id: str) -> StoredSilence:
        """End a silence now; what it held and still is an alert is told within seconds."""
        ended = _demand(
            await asking.ask(lambda redis: end_silence(redis, namespace, silence_id, clock.now_ms())),
            silence_id,
        )
        log.info("silence %s was ended", ended.id)
        return stored(ended)

    async def in_force() -> list[Silence]:
        return await asking.ask(lambda redis: silences_in_force(redis, namespace, clock.now_ms()))

    return router


def _demand(silence: Silence | None, silence_id: str) -> Silence:
    if silence is None:
        raise Problem(404, _NONE.format(silence_id))
    return silence
