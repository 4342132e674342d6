"""Reading a mapping: a built-in one by name, or a YAML file, with complaints that say where."""

import re
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

import yaml
from pydantic import ValidationError

from kpi_rules.organisation import Organisation
from loanpulse.intake.mapping import Entry, Mapping, TimeColumn
from loanpulse.lab.failures import InputError, nearest
from schemas.registry import EVENT_TYPES

Steps = tuple[str | int, ...]
"""Where a member stands in the YAML tree: names and places in lists."""

_BUILT_IN = resources.files("loanpulse.intake") / "mappings"
_VARIANT = re.compile(r"Column|Constant|constrained-int|literal\[.*\]|list\[.*\]|str")
_SHARED_DATA = {"customer_id", "officer_id", "branch_id", "product", "channel"}


def built_in() -> list[str]:
    """The names of the mappings that come with LoanPulse."""
    return sorted(Path(item.name).stem for item in _BUILT_IN.iterdir() if item.name.endswith(".yaml"))


def text_of(name: str) -> str:
    """A built-in mapping as it is written. InputError if there is none of this name."""
    if name not in built_in():
        raise InputError(f"no mapping of this name{nearest(name, built_in())}", file=name)
    return (_BUILT_IN / f"{name}.yaml").read_text("utf-8")


def load_mapping(name: str) -> Mapping:
    """A built-in mapping by name, or one from a YAML file. InputError names file, line and field."""
    if name in built_in():
        return parse_mapping(text_of(name), f"{name}.yaml")
    path = Path(name)
    if path.suffix not in {".yaml", ".yml"} and not path.exists():
        raise InputError(
            f"no mapping of this name{nearest(name, built_in())}; or name a YAML file", file=name
        )
    try:
        return parse_mapping(path.read_text("utf-8"), name)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {getattr(error, 'strerror', None) or error}", file=name) from None


def parse_mapping(text: str, file: str) -> Mapping:
    """A mapping from YAML text. InputError names file, line and field."""
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise InputError(f"not YAML: {error.problem}", file=file, line=line) from None
    except yaml.YAMLError as error:
        raise InputError(f"not YAML: {error}", file=file) from None
    if not isinstance(content, dict):
        raise InputError("a mapping has source, time, subject and events", file=file, line=1)
    try:
        mapping = Mapping.model_validate(content | {"file": file})
        Organisation.model_validate(mapping.organisation)
    except ValidationError as error:
        raise _explained(error, tree, file) from None
    _check_names(mapping, tree)
    return mapping


def line_of(tree: yaml.Node | None, path: Steps) -> int | None:
    """The line of a member in a YAML tree, or of the nearest one above it that is there."""
    if tree is None:
        return None
    line = int(tree.start_mark.line) + 1
    for step in path:
        member = _member(tree, step)
        if member is None:
            break
        line, tree = member
    return line


def _member(tree: yaml.Node, step: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(tree, yaml.MappingNode):
        for key, value in tree.value:
            if key.value == str(step):
                return key.start_mark.line + 1, value
    if isinstance(tree, yaml.SequenceNode) and isinstance(step, int) and step < len(tree.value):
        return tree.value[step].start_mark.line + 1, tree.value[step]
    return None


def _explained(error: ValidationError, tree: yaml.Node | None, file: str) -> InputError:
    """One complaint as one line, a misspelt name before what is missing for it.

    The names of a union's variants in a place are pydantic's own, and left out.
    """
    details = error.errors()
    misnamed = [detail for detail in details if detail["type"] == "extra_forbidden"]
    detail = (misnamed or details)[0]
    path = tuple(step for step in detail["loc"] if not _VARIANT.fullmatch(str(step)))
    if error.title == "Organisation":
        path = ("organisation", *path)
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        message = "no such member" + nearest(str(path[-1]), _members(path))
    elif detail["type"] not in {"missing", "value_error"}:
        message += f", not {detail['input']!r}"
    return InputError(message, file=file, line=line_of(tree, path), field=".".join(map(str, path)))


def _members(path: Steps) -> set[str]:
    """The names that are allowed beside the last step of a path."""
    if path[0] == "organisation":
        return set(Organisation.model_fields)
    if path[0] == "events" and len(path) == 3:
        return set(Entry.model_fields)
    if path[-2:-1] == ("time",):
        return set(TimeColumn.model_fields)
    if len(path) == 1:
        return set(Mapping.model_fields) - {"file"}
    return {"column", "as", "decimals", "decimal_point", "values", "prefix", "value"}


def _check_names(mapping: Mapping, tree: yaml.Node | None) -> None:
    """Refuse event types and data fields that the contract does not have."""
    for number, entry in enumerate(mapping.events):
        if mapping.time is None and entry.time is None:
            line = line_of(tree, ("events", number))
            message = "has no time: give it here, or once for all events"
            raise InputError(message, file=mapping.file, line=line, field=f"events.{number}")
        if entry.type not in EVENT_TYPES:
            raise _misnamed(entry.type, "event type", EVENT_TYPES, mapping, tree, ("events", number, "type"))
        known = set(EVENT_TYPES[entry.type].data.model_fields)
        for name in entry.data:
            if name not in known:
                path = ("events", number, "data", name)
                raise _misnamed(name, f"field of {entry.type}", known, mapping, tree, path)
    for name in mapping.data:
        if name not in _SHARED_DATA:
            raise _misnamed(name, "field of every event", _SHARED_DATA, mapping, tree, ("data", name))


def _misnamed(
    name: str, what: str, known: Iterable[str], mapping: Mapping, tree: yaml.Node | None, path: Steps
) -> InputError:
    message = f"{name!r} is no {what}{nearest(name, known)}"
    return InputError(message, file=mapping.file, line=line_of(tree, path), field=".".join(map(str, path)))
