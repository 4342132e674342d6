"""Reads a routes file and judges it; what is wrong is told with its line and field, and never with a secret."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from kpi_rules.loader import as_written, line_of, show_place
from kpi_rules.names import nearest
from loanpulse.dispatch import receivers
from loanpulse.dispatch.receivers import KINDS, Model
from loanpulse.dispatch.routes import DROP, HOLD, Default, Match, Route, Routes
from loanpulse.lab.failures import InputError
from schemas.rejected import shorten

Place = tuple[int | str, ...]
_SECRET = {"secret", "password", "url"}
_MODELS: dict[str, type[Model]] = {
    "routes": Route, "default": Default, "match": Match, "webhook": receivers.Webhook, "slack": receivers.Slack,
    "email": receivers.Email, "apprise": receivers.Apprise,
}  # fmt: skip


class RoutesError(InputError):
    """A routes file that cannot be used: a line for each thing that is wrong."""


def read_routes(path: Path) -> Routes:
    """The routes of a YAML or JSON file. Raises RoutesError."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise RoutesError(f"cannot be read: {reason}", file=str(path)) from None
    return parse_routes(text, str(path))


def parse_routes(text: str, file: str) -> Routes:
    """The routes that a text describes. Raises RoutesError."""
    node, document = _loaded(text, file)
    try:
        routes = Routes.model_validate(document)
    except ValidationError as error:
        problems = [_problem(document, detail) for detail in error.errors()]
    else:
        problems = [*_unknown(routes)]
    if twice := [*_twice(node, ())]:
        problems = twice
    if problems:
        lines = [f"{file}:{line_of(node, place)}: {show_place(place)}: {said}" for place, said in problems]
        raise RoutesError("\n".join(dict.fromkeys(lines)))
    return routes


def _loaded(text: str, file: str) -> tuple[yaml.Node, Any]:
    try:
        loader = yaml.SafeLoader(text.replace("\t", " ") if text.lstrip().startswith("{") else text)
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise RoutesError("must have the members receivers, routes and default", file=file, line=1)
        return node, loader.construct_document(node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise RoutesError(f"not YAML: {problem}", file=file, line=mark and mark.line + 1) from None


def _problem(document: Any, detail: Any) -> tuple[Place, str]:
    """One of pydantic's errors: where it stands, and what is wrong in words."""
    loc = detail["loc"]
    place = as_written(document, [step for at, step in enumerate(loc) if at != 2 or not _is_kind(loc)])
    kind, said = detail["type"], str(detail["msg"]).removeprefix("Value error, ")
    if kind == "extra_forbidden":
        return place, "is not known here" + nearest(str(loc[-1]), _members(loc))
    if kind == "missing":
        return place, "is missing"
    if kind == "union_tag_not_found":
        return place, f"has no kind: it is one of {', '.join(KINDS)}"
    if kind == "union_tag_invalid":
        tag = str(detail["ctx"]["tag"])
        return (*place, "kind"), f"is {tag!r}{nearest(tag, KINDS)}: it is one of {', '.join(KINDS)}"
    if kind == "value_error" or _SECRET & set(map(str, loc)):
        return place, said
    return place, f"is {shorten(detail['input'])}: {said[:1].lower()}{said[1:]}"


def _is_kind(loc: Sequence[int | str]) -> bool:
    """Whether the third step is the kind of a receiver, which stands in no file."""
    return len(loc) > 2 and loc[0] == "receivers" and loc[2] in KINDS


def _members(loc: Sequence[int | str]) -> list[str]:
    """What may stand where something does not belong."""
    inner = next((step for step in reversed(loc[:-1]) if step in _MODELS), "")
    model = _MODELS.get(str(inner), Routes)
    return [field.alias or name for name, field in model.model_fields.items()]


def _unknown(routes: Routes) -> Iterator[tuple[Place, str]]:
    """Receivers that routes name and that there are not, and terms that mean nothing."""
    known = routes.receivers
    for name in known.keys() & {HOLD, DROP}:
        yield ("receivers", name), f"{name!r} has a meaning of its own: choose another name"
    told: list[tuple[Place, Default]] = [(("default",), routes.default)]
    told += [(("routes", at), route) for at, route in enumerate(routes.routes)]
    for place, route in told:
        for at, name in enumerate(route.receivers):
            if name not in known:
                yield (*place, "receivers", at), f"{name!r} is no receiver of this file{nearest(name, known)}"
        if route.outside not in {HOLD, DROP, *known}:
            said = f"is {route.outside!r}: write hold, drop, or a receiver of this file"
            yield (*place, "outside"), said + nearest(route.outside, known)
        if "outside" in route.model_fields_set and route.hours == "always":
            yield (*place, "outside"), "means nothing without `hours: business`"


def _twice(node: yaml.Node, place: Place) -> Iterator[tuple[Place, str]]:
    """What is written twice, of which YAML would take the last: a receiver would be lost without a word."""
    if isinstance(node, yaml.SequenceNode):
        for at, inner in enumerate(node.value):
            yield from _twice(inner, (*place, at))
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                yield (*place, name), "is written twice"
            seen.add(name)
            yield from _twice(value, (*place, name))
