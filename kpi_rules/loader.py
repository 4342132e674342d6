"""Reads rule files: text in, rules out. Errors name the file, the line, the place in the document and the nearest right name."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import yaml
from pydantic import ValidationError
from yaml.constructor import ConstructorError

from kpi_rules.complaints import SCALARS, complaint, is_written, most_telling, yaml_hint
from kpi_rules.limits import beyond
from kpi_rules.model import Rule, RuleFile
from kpi_rules.names import unknown_names
from kpi_rules.values import unfit_values

Location = tuple[int | str, ...]


class RuleError(ValueError):
    """A rule file that cannot be used; one line: file, line, place, what is wrong and the way out."""


@dataclass(frozen=True)
class LoadedFile:
    """A rule file with the name that errors call it by, and the line at which each place of it begins."""

    name: str
    text: str
    content: RuleFile
    node: yaml.Node

    def line(self, place: Location) -> int:
        """The line of a place in the document, or of the nearest place around it."""
        return line_of(self.node, place)


class _Loader(yaml.SafeLoader):
    """Refuses also what YAML lets pass, a member written twice, and says where a date is none."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise ConstructorError(None, None, f"{key.value!r} is written twice", key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)

    def construct_yaml_timestamp(self, node: yaml.ScalarNode) -> Any:
        try:
            return super().construct_yaml_timestamp(node)
        except ValueError:
            raise ConstructorError(None, None, f"{node.value!r} is not a date", node.start_mark) from None


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_yaml_timestamp)


def load(name: str, text: str) -> LoadedFile:
    """Read one rule file. RuleError on the first thing wrong with it."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            raise RuleError(f"{name}:1: the file is empty: it needs kra, title and rules")
        document = loader.construct_document(node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f":{mark.line + 1}"
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise RuleError(f"{name}{where}: not YAML: {yaml_hint(problem)}") from None
    try:
        loaded = LoadedFile(name, text, RuleFile.model_validate(document), node)
    except ValidationError as error:
        raise RuleError(_first(name, node, document, error)) from None
    _check_names(loaded)
    return loaded


def _check_names(loaded: LoadedFile) -> None:
    for i, rule in enumerate(loaded.content.rules):
        for place, message in chain(unknown_names(rule), beyond(rule), unfit_values(rule)):
            at: Location = ("rules", i, "measure", *place)
            raise RuleError(f"{loaded.name}:{loaded.line(at)}: {show_place(at)}: {message}")


def rulebook(files: Iterable[LoadedFile]) -> list[Rule]:
    """The rules of all files, in order. RuleError if two have one id, or a sub-measure has no KPI to belong to."""
    seen: dict[str, LoadedFile] = {}
    rules = []
    for loaded in files:
        for i, rule in enumerate(loaded.content.rules):
            where = f"{loaded.name}:{loaded.line(('rules', i, 'id'))}: {show_place(('rules', i, 'id'))}"
            if rule.id in seen:
                raise RuleError(f"{where}: {rule.id!r} is already defined in {seen[rule.id].name}")
            parent, _, sub = rule.id.partition(".")
            if sub and parent not in seen:
                raise RuleError(f"{where}: {rule.id!r} has no KPI {parent!r} before it")
            seen[rule.id] = loaded
            rules.append(rule)
    return rules


def line_of(node: yaml.Node, place: Sequence[int | str]) -> int:
    """The line, from 1, at which a place of a document begins."""
    line = node.start_mark.line + 1
    for step in place:
        child: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(step):
                    child, line = value, key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            child = node.value[step]
            line = child.start_mark.line + 1
        if child is None:
            continue  # a step of the model that the document does not show, such as the chosen kind of measure
        node = child
    return line


def as_written(document: object, place: Sequence[int | str]) -> Location:
    """A place without the steps of the model that the document does not show: what stands there alone is no list, and the
    kinds of value that a member may have are no members."""
    shown: list[int | str] = []
    for at, step in enumerate(place):
        inner = _inside(document, step)
        is_last = at == len(place) - 1
        if isinstance(step, int) and not (isinstance(document, list) and (is_last or _holds(inner))):
            continue
        if step in SCALARS and not (isinstance(document, dict) and step in document):
            continue
        shown.append(step)
        document = inner
    return tuple(shown)


def _inside(document: Any, step: int | str) -> object:
    is_there = isinstance(document, (dict if isinstance(step, str) else list))
    return document[step] if is_there and (isinstance(step, int) or step in document) else None


def _holds(document: object) -> bool:
    return isinstance(document, (dict, list))


def show_place(place: Sequence[int | str]) -> str:
    """A place as people write it: `rules[0].measure.anchor`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")


def _first(name: str, node: yaml.Node, document: object, error: ValidationError) -> str:
    detail: Any = most_telling(error.errors())
    place = as_written(document, [step for step in detail["loc"] if is_written(step)])
    at = f"{name}:{line_of(node, place)}: {show_place(place)}".removesuffix(": ")
    return f"{at}: {complaint(detail)}"
