"""What the model finds wrong with a rule file, in the words of those who write one."""

import re
from typing import Any, get_args

from kpi_rules.measures import Band, Measure, Model, Part, Pause, Range, ShareOf, SquaredError, Stock
from kpi_rules.model import Alerting, Goal, Improvement, Rule, RuleFile, Target
from kpi_rules.names import nearest

SCALARS = ("bool", "float", "int", "str")
_TELLING = ("extra_forbidden", "value_error")
"""Errors that say more than the first of those that a union's members each make."""
_CONDITION = "literal['present','absent']"
_FEW = 4
_LENGTHS = ("within", "elapsed_more_than")
_WORDS = {
    "missing": "is missing",
    "list_type": "must be a list",
    "string_type": "must be a text",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "too_short": "must have at least one entry",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "must be of lower-case letters, digits and _, a letter first, such as first_decision",
}
_INSIDE: dict[str, type[Model]] = {
    "rules": Rule, "target": Target, "goal": Goal, "officers": Improvement, "branches": Improvement, "alert": Alerting,
    "numerator": Part, "denominator": Part, "part": Part, "whole": Part, "stock": Stock,
    "pauses": Pause, "bands": Band, "Range": Range, "ShareOf": ShareOf, "SquaredError": SquaredError,
}  # fmt: skip
"""Whose members stand below a step of a place."""
_YAML_HINTS = {
    "'\\t'": "indent with spaces, not with a tab",
    "mapping values are not allowed here": "put a text that has a colon in it in quotes",
    "expected <block end>": "this line is not indented as those that it belongs to",
    "another document": "a file holds one document: leave out ---",
}


def yaml_hint(problem: str) -> str:
    """What YAML complains of, with what to do about it where that is known."""
    return problem + next((f": {hint}" for text, hint in _YAML_HINTS.items() if text in problem), "")


def most_telling(details: list[Any]) -> Any:
    """Of all that pydantic says of a document the one thing to say."""
    return next((d for kind in _TELLING for d in details if d["type"] == kind), details[0])


def complaint(detail: Any) -> str:
    """One of pydantic's errors in words, with the nearest right name."""
    kind, given = detail["type"], f"{str(detail['input'])[:80]!r}"
    match kind:
        case "missing":
            return _WORDS[kind]
        case "value_error":
            return str(detail["msg"]).removeprefix("Value error, ")
        case "extra_forbidden":
            return f"is not known here{_where_known(detail['loc'])}"
        case "union_tag_not_found":
            return f"has no kind: use {', '.join(kinds())}"
        case "union_tag_invalid":
            tag = detail["ctx"]["tag"]
            near = nearest(tag, kinds()) or f": use {', '.join(kinds())}"
            return f"{tag!r} is not a kind of measure{near}"
    return f"{'is empty' if detail['input'] is None else given}: {_wanted(detail)}"


def _wanted(detail: Any) -> str:
    kind, place = detail["type"], detail["loc"]
    if kind in ("model_type", "dict_type"):
        example = ", such as {at_most: 4 hours, warning_at: 3 hours}" if "target" in place[-2:] else ""
        return f"must be a mapping, name: value{example}"
    if _CONDITION in place:
        return "must be present, absent, a value, a list of values or a range"
    if place[-1] in _LENGTHS:
        return "must be a length of time, such as 60 days"
    if kind == "literal_error":
        expected = detail["ctx"]["expected"]
        return f"must be {expected}" + nearest(str(detail["input"]), re.findall("'(.*?)'", expected))
    return _WORDS.get(kind, str(detail["msg"]).replace("Input should be", "must be"))


def _where_known(place: tuple[int | str, ...]) -> str:
    """The nearest member that is; of one that stands elsewhere, where; else all that there are."""
    name, own = str(place[-1]), _members(_owner(place[:-1]))
    if near := nearest(name, own):
        return near
    if owners := [model for model in _models() if name in _members(model)]:
        homes = dict.fromkeys(_called(model) for model in owners[:_FEW])
        return f": it belongs to {' or '.join(homes)}{_choice(own)}"
    every = {member for model in _models() for member in _members(model)}
    return nearest(name, every) or _choice(own)


def _choice(own: list[str]) -> str:
    """What may stand there, where it is little enough to read."""
    return f": use {', '.join(own)}" if len(own) <= _FEW else ""


def _owner(place: tuple[int | str, ...]) -> type[Model]:
    inside = {**_INSIDE, **{_kind(model): model for model in _measures()}}
    return next((inside[step] for step in reversed(place) if step in inside), RuleFile)


def _called(model: type[Model]) -> str:
    if model in _measures():
        return f"a {_kind(model)}"
    called = {Rule: "a rule", RuleFile: "the file itself", Alerting: "an alert"}
    called |= {ShareOf: "an amount", SquaredError: "an amount"}
    return called.get(model, f"a {model.__name__.lower()}")


def _members(model: type[Model]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _models() -> list[type[Model]]:
    return list(dict.fromkeys((RuleFile, Rule, *_measures(), *_INSIDE.values())))


def _measures() -> tuple[type[Model], ...]:
    return get_args(get_args(Measure)[0])


def _kind(model: type[Model]) -> str:
    return str(get_args(model.model_fields["kind"].annotation)[0])


def kinds() -> list[str]:
    """The kinds of measures."""
    return [_kind(model) for model in _measures()]


def is_written(step: int | str) -> bool:
    """Whether a step of pydantic's location stands in the document; the names of kinds and unions do not."""
    if isinstance(step, int):
        return True
    return step not in (*kinds(), *SCALARS) and not step.endswith("]") and step[:1].islower()
