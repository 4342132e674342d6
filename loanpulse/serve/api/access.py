"""Who may use the part of the API that writes: whoever has the token; nobody while there is none."""

import hmac
import re
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from loanpulse.serve.api.problem import Problem, told
from streams.runtime.settings import SettingsError, variable

SETTING = variable("api_token_file")

_TOKEN = re.compile(rb"[\x21-\x7e]{16,}").fullmatch
_CLOSED = f"this is closed: {SETTING} is not set; let it name a file whose first line is a token"
_UNSAID = "send the header Authorization: Bearer and the token"
_OTHER = f"this is not the token: it is the first line of the file that {SETTING} named when serve started"

REFUSALS = told(401, _UNSAID, {"WWW-Authenticate": "Bearer"}) | told(403, _CLOSED)

shown = HTTPBearer(auto_error=False, description=f"The first line of the file that {SETTING} names.")
"""Tells the OpenAPI of the token, and judges nothing."""


class Access:
    """Holds the token. It is in no message, no log and no repr."""

    def __init__(self, token: bytes | None) -> None:
        self._token = token

    def demand(self, authorization: str | None) -> None:
        """Raises Problem unless the header has the token."""
        if self._token is None:
            raise Problem(403, _CLOSED)
        scheme, _, given = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            raise Problem(401, _UNSAID, headers={"WWW-Authenticate": "Bearer"})
        # Headers come as Latin-1, which gives each byte a character.
        if not hmac.compare_digest(given.strip().encode("latin-1"), self._token):
            raise Problem(401, _OTHER, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})

    def guarded(self) -> type[APIRoute]:
        """Routes that demand the token before they read what was sent: a dependency would come after that."""
        access = self

        class Guarded(APIRoute):
            def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
                handler = super().get_route_handler()

                async def guard(request: Request) -> Response:
                    access.demand(request.headers.get("Authorization"))
                    return await handler(request)

                return guard

        return Guarded


def access_by(path: Path | None) -> Access:
    """The access that a token file gives. Raises SettingsError, which does not show what the file has."""
    if path is None:
        return Access(None)
    try:
        first, *_ = path.read_bytes().splitlines() or [b""]
    except OSError as error:
        raise SettingsError(f"{SETTING} is {str(path)!r}: cannot be read: {error.strerror}") from None
    if not _TOKEN(first.strip()):
        raise SettingsError(
            f"{SETTING} is {str(path)!r}: its first line must be a token of 16 or more characters: letters, digits and"
            " signs of ASCII, no spaces; openssl rand -hex 32 makes one"
        )
    return Access(first.strip())
