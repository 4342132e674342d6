"""Errors of the HTTP API, all in one form: problem details (RFC 9457)."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from schemas.rejected import shorten

MEDIA_TYPE = "application/problem+json"
INVALID = 422

_NO_OBJECT = {"missing", "model_type", "model_attributes_type", "dict_type"}
_TEXT: dict[str, Any] = {"type": "string"}
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT | {"description": "What is wrong, with its value, and the way out."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": _TEXT | {"description": "A JSON pointer into what was sent, such as #/case/subject."},
                    "detail": _TEXT,
                },
            },
        },
    },
}  # fmt: skip


class Fault(NamedTuple):
    """One thing that is wrong with what was sent: where it stands (nowhere: the whole), and what is to be there."""

    place: tuple[str, ...]
    said: str

    @property
    def line(self) -> str:
        return " ".join(part for part in (".".join(self.place), self.said) if part)

    @property
    def pointer(self) -> str:
        steps = (step.replace("~", "~0").replace("/", "~1") for step in self.place)
        return "#" + "".join(f"/{step}" for step in steps)


class Problem(HTTPException):
    """Ends a request; `detail` names the field, its value and the way out."""

    def __init__(
        self, status: int, detail: str, *, headers: Mapping[str, str] | None = None, faults: Sequence[Fault] = ()
    ) -> None:  # fmt: skip
        super().__init__(status, detail, headers)
        self.faults = faults


def invalid(faults: Sequence[Fault]) -> Problem:
    """What was sent breaks rules; every one that it breaks is told."""
    return Problem(INVALID, "; ".join(fault.line for fault in faults), faults=faults)


OTHERS: dict[int | str, Any] = {
    "default": {"description": "Any other error", "content": {MEDIA_TYPE: {"schema": _SCHEMA}}}
}
"""In the place of FastAPI's own form of refusals, which is not used."""


def answer_with_problems(app: FastAPI) -> None:
    """Let every error of the application that is meant for who asked be a problem."""
    app.add_exception_handler(HTTPException, _answered)
    app.add_exception_handler(RequestValidationError, _refused)


def told(status: int, detail: str, headers: Mapping[str, str] | None = None) -> dict[int | str, Any]:
    """A problem in the OpenAPI, with an example and its headers."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "headers": {name: {"schema": _TEXT, "example": value} for name, value in (headers or {}).items()},
            "content": {MEDIA_TYPE: {"schema": _SCHEMA, "example": _document(status, detail)}},
        }
    }


def _document(status: int, detail: str, faults: Sequence[Fault] = ()) -> dict[str, Any]:
    said = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    errors = [{"pointer": fault.pointer, "detail": fault.said} for fault in faults]
    return said | ({"errors": errors} if errors else {})


def _answered(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    document = _document(error.status_code, error.detail, getattr(error, "faults", ()))
    # In ASCII: what JSON may hold and UTF-8 may not (a lone surrogate) is quoted in problems as well.
    return Response(json.dumps(document), error.status_code, error.headers, MEDIA_TYPE)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return _answered(request, invalid([_fault(detail) for detail in error.errors()]))


def _fault(detail: Mapping[str, Any]) -> Fault:
    """One of FastAPI's errors in words. The value of a member that nobody knows is not told: it may be a secret."""
    _, *steps = detail["loc"]
    place, kind = tuple(map(str, steps)), detail["type"]
    said = str(detail["msg"]).removeprefix("Value error, ")
    if kind == "json_invalid":
        return Fault((), f"not JSON at character {steps[0]}: {detail['ctx']['error']}")
    if kind in _NO_OBJECT and not place:
        return Fault((), "must be a JSON object, sent with Content-Type: application/json")
    if kind == "missing":
        return Fault(place, "is missing")
    if kind == "extra_forbidden":
        return Fault(place, "is not known: /openapi.json lists the members")
    if not place:
        return Fault((), said)
    return Fault(place, f"is {shorten(detail['input'])}: {said[:1].lower()}{said[1:]}")
