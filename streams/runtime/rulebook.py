"""Finds and reads the files that rules and the organisation's settings come from, and compiles them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import chain
from pathlib import Path

import yaml
from pydantic import ValidationError

from kpi_rules.calendars import Calendar
from kpi_rules.goal_checks import unfit_goal
from kpi_rules.lint import unfit_lengths
from kpi_rules.loader import LoadedFile, RuleError, as_written, line_of, load, show_place
from kpi_rules.model import Goal, Improvement, Rule, Target
from kpi_rules.names import Place, nearest
from kpi_rules.organisation import Organisation
from kpi_rules.rulebook import Rulebook
from schemas.rejected import shorten
from streams.calculus.program import Program

_MODELS = (Organisation, Calendar, Target, Goal, Improvement)
Wrong = Iterator[tuple[Place, str]]


class ConfigError(ValueError):
    """An organisation file that cannot be used; one line: file, line, place, value and the way out."""


def read_rules(directory: Path | None) -> list[LoadedFile]:
    """Every rule file of a directory (None: the catalogue that comes with LoanPulse), by name. Raises RuleError."""
    if directory is None:
        return list(_catalogue())
    if not directory.is_dir():
        raise RuleError(f"{directory}: not a directory: rules are read from its *.yaml files")
    paths = sorted(directory.glob("*.yaml"))
    if not paths:
        raise RuleError(f"{directory}: has no *.yaml file, so there is nothing to measure")
    return [read_rule_file(path) for path in paths]


@cache
def _catalogue() -> tuple[LoadedFile, ...]:
    """What is packaged does not change while a process runs."""
    found = [
        item for item in files("kpi_rules").joinpath("catalogue").iterdir() if item.name.endswith(".yaml")
    ]
    return tuple(
        load(item.name, item.read_text("utf-8")) for item in sorted(found, key=lambda item: item.name)
    )


def read_rule_file(path: Path) -> LoadedFile:
    """One rule file. Raises RuleError."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError(f"{path}: cannot be read: {error}") from None
    return load(str(path), text)


def read_organisation(path: Path | None, tz: str) -> Organisation:
    """The organisation's JSON file (None: all defaults), in a zone. Raises ConfigError."""
    if path is None:
        return organisation_of("settings", {"tz": tz}, tz)
    text = _text(path)
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}:{error.lineno}: not JSON: {error.msg} at column {error.colno}") from None
    return organisation_of(str(path), document, tz, text)


def organisation_of(name: str, document: object, tz: str, text: str = "") -> Organisation:
    """An organisation from a document; `tz` where it names no zone itself. Raises ConfigError with the first thing wrong.

    `text` is what the document was read from, if errors are to name the line.
    """
    if not isinstance(document, dict):
        raise ConfigError(f"{name}:1: must be a JSON object, not {type(document).__name__}")
    try:
        return Organisation.model_validate({"tz": tz} | document)
    except ValidationError as error:
        detail = error.errors()[0]
        loc = as_written(document, detail["loc"])
        place, message = show_place(loc), detail["msg"].removeprefix("Value error, ")
        if detail["type"] == "extra_forbidden":
            members = {field.alias or name for model in _MODELS for name, field in model.model_fields.items()}
            message = "is not known here" + nearest(str(detail["loc"][-1]), members)
        elif detail["type"] not in ("missing", "value_error"):
            message = f"is {shorten(detail['input'])}: {message}"
        raise ConfigError(f"{_at(name, text, loc)}: {place}: {message}") from None


def read_rulebook(rules: Path | None, config: Path | None, tz: str) -> Rulebook:
    """The rulebook of a directory of rules and an organisation. Raises RuleError or ConfigError."""
    files = read_rules(rules)
    _check_lengths(files)
    book = Rulebook(tuple(files), read_organisation(config, tz))
    if config is not None:
        _check_organisation(config, book.organisation, book.rules)
    return book


def compile_program(rules: Path | None, config: Path | None, tz: str) -> Program:
    """The program of a directory of rules and an organisation. Raises RuleError or ConfigError."""
    return program_of(read_rulebook(rules, config, tz))


def program_of(book: Rulebook) -> Program:
    """A rulebook, compiled."""
    return Program(book.rules, book.organisation)


def _check_lengths(files: Iterable[LoadedFile]) -> None:
    """A target that is no length of time would show only when the first event is measured against it, and a goal that
    cannot be followed not at all."""
    for loaded in files:
        for i, rule in enumerate(loaded.content.rules):
            for place, message in chain(_unfit_target(rule, rule.targets), _unfit_goal(rule, rule.goal)):
                at = ("rules", i, *place)
                raise RuleError(f"{loaded.name}:{loaded.line(at)}: {show_place(at)}: {message}")


def _check_organisation(config: Path, organisation: Organisation, book: Iterable[Rule]) -> None:
    for at, message in _wrong(organisation, {rule.id: rule for rule in book}):
        raise ConfigError(f"{_at(str(config), _text(config), at)}: {show_place(at)}: {message}")


def _wrong(organisation: Organisation, rules: Mapping[str, Rule]) -> Wrong:
    for member in ("targets", "goals"):
        for kpi, wanted in getattr(organisation, member).items():
            if kpi not in rules:
                yield (member, kpi), "is not a KPI" + nearest(kpi, rules)
                continue
            unfit = _unfit_target if member == "targets" else _unfit_goal
            for place, message in unfit(rules[kpi], wanted):
                yield (member, kpi, *place[1:]), message


def _unfit_target(rule: Rule, targets: Sequence[Target]) -> Wrong:
    for problem in unfit_lengths(rule, targets):
        yield problem.place, problem.message


def _unfit_goal(rule: Rule, goal: Goal | None) -> Wrong:
    for _, place, message in unfit_goal(rule, goal) if goal else ():
        yield ("goal", *place), message


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text: {error.reason}") from None


def _at(name: str, text: str, place: Sequence[int | str]) -> str:
    """File and line of a place: JSON is YAML, whose reader knows its lines. The file alone if even that fails."""
    try:
        node = yaml.compose(text.replace("\t", " "), Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return name
    return name if node is None else f"{name}:{line_of(node, place)}"
