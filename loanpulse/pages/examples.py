"""Examples of KPIs, read from the files in `examples/` beside the rules: a handful of events, and when to look at them.

An example is no rule: it changes no figure. It is what a page works a number out of.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from kpi_rules.loader import RuleError, line_of, show_place
from kpi_rules.measures import Text
from kpi_rules.model import WindowName
from kpi_rules.names import nearest
from schemas.decode import Rejected, decode
from schemas.event import Event
from schemas.fields import time_ms
from schemas.registry import EVENT_TYPES

FOLDER = "examples"
OWN_FIELDS = {"client": "customer_id", "officer": "officer_id", "branch": "branch_id"}


def _rfc3339(text: object) -> object:
    """`2026-01-05 10:00` is in UTC; seconds and their fraction may follow, a day alone is its midnight."""
    if isinstance(text, date):
        text = str(text)
    if not isinstance(text, str):
        raise ValueError("must be a time such as 2026-01-05 10:00, in UTC")
    day, _, clock = text.partition(" ")
    clock = clock or "00:00"
    return f"{day}T{clock}{':00' if clock.count(':') == 1 else ''}Z"


Moment = Annotated[str, BeforeValidator(_rfc3339)]


class Happening(BaseModel):
    """One event: fields of the type besides those listed here stand as in its `data`."""

    model_config = ConfigDict(extra="allow", frozen=True)

    at: Moment
    type: str
    case: str
    """Which lead, loan, query … it is about: the event's subject."""
    note: str = ""
    """Said beside it on the page."""
    revision: int = 0
    retracted: bool = False


class Example(BaseModel):
    """`events` in the order in which they are told; windows end at `as_of`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kpis: Annotated[list[str], Field(min_length=1)]
    title: Text | None = None
    as_of: Moment
    window: WindowName = "30d"
    events: Annotated[list[Happening], Field(min_length=1)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    examples: list[Example]


@dataclass(frozen=True)
class Told:
    """An example as the engine reads it: its events in order, with what is said beside each."""

    title: str | None
    as_of_ms: int
    window: WindowName
    events: tuple[tuple[Event, str], ...]


def read_examples(directory: Path | None, kpis: Iterable[str]) -> dict[str, Told]:
    """The example of each KPI that has one, beside the rules of a directory (None: of the catalogue).

    Raises RuleError with file, line and place for what is no example, no event or of no KPI in `kpis`.
    """
    known, found = list(kpis), dict[str, Told]()
    for name, text in _texts(directory):
        node, content = _parsed(name, text)
        for number, example in enumerate(content.examples):
            at = ("examples", number)
            told = _told(name, node, at, example)
            for kpi in example.kpis:
                if kpi not in known:
                    raise _error(name, node, (*at, "kpis"), f"{kpi!r} is not a KPI{nearest(kpi, known)}")
                if kpi in found:
                    raise _error(name, node, (*at, "kpis"), f"{kpi!r} has an example already")
                found[kpi] = told
    return found


def _texts(directory: Path | None) -> Iterator[tuple[str, str]]:
    folder = (files("kpi_rules") / "catalogue" if directory is None else directory) / FOLDER
    if folder.is_dir():
        for path in sorted(folder.iterdir(), key=lambda path: path.name):
            if path.name.endswith(".yaml"):
                yield f"{FOLDER}/{path.name}" if directory is None else str(path), path.read_text("utf-8")


def _parsed(name: str, text: str) -> tuple[yaml.Node, _File]:
    try:
        node, document = yaml.compose(text, Loader=yaml.SafeLoader), yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = 1 if mark is None else mark.line + 1
        raise RuleError(f"{name}:{line}: not YAML: {str(error).splitlines()[0]}") from None
    if node is None:
        raise RuleError(f"{name}:1: the file is empty: it needs examples")
    try:
        return node, _File.model_validate(document)
    except ValidationError as error:
        detail = error.errors()[0]
        raise _error(name, node, detail["loc"], detail["msg"].removeprefix("Value error, ")) from None


def _error(name: str, node: yaml.Node, place: tuple[int | str, ...], message: str) -> RuleError:
    return RuleError(f"{name}:{line_of(node, place)}: {show_place(place)}: {message}")


def _told(name: str, node: yaml.Node, at: tuple[int | str, ...], example: Example) -> Told:
    events = []
    for number, happening in enumerate(example.events):
        place = (*at, "events", number)
        if happening.type not in EVENT_TYPES:
            near = nearest(happening.type, EVENT_TYPES)
            raise _error(name, node, (*place, "type"), f"{happening.type!r} is not an event type{near}")
        try:
            events.append((_event(happening, f"{name}/{at[1]}/{number}"), happening.note))
        except Rejected as error:
            raise _error(name, node, place, str(error)) from None
    return Told(example.title, time_ms(example.as_of), example.window, tuple(events))


def _event(happening: Happening, name: str) -> Event:
    own = {OWN_FIELDS.get(field, field): value for field, value in (happening.model_extra or {}).items()}
    return decode(_encoded(happening, own, name))


def _encoded(happening: Happening, own: dict[str, Any], name: str) -> bytes:
    import json

    event = {
        "specversion": "1.0",
        "source": "example",
        "id": name,
        "type": happening.type,
        "time": happening.at,
        "subject": happening.case,
        "revision": happening.revision,
        "retracted": happening.retracted,
        "data": own,
    }
    return json.dumps(event).encode()
