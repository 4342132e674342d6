"""The rule file as JSON Schema, for editors: from the models, with the names of facts and fields that exist.

It accepts all that the loader accepts. The loader refuses more: what hangs on several members, and sub-measures without
their KPI.
"""

import json
from collections.abc import Iterator
from typing import Any, get_args

from kpi_rules.facts import ATTRIBUTES, FACTS, FactType
from kpi_rules.lengths import BUSINESS_UNITS, PLAIN_UNITS
from kpi_rules.measures import Measure
from kpi_rules.model import RuleFile

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
FACT, CONDITIONS = "Fact", "Conditions"
PLAIN_LENGTH, LENGTH = "PlainLength", "Length"
_FACTS = ("anchor", "since", "opening", "success", "of")
_FACTS_OF_PAUSE = ("from", "to")
_CONDITIONS = ("where", "happened")
_LENGTHS = {"within": PLAIN_LENGTH, "elapsed_more_than": PLAIN_LENGTH}
_HELD = ("Alerting", "for")
_OWN = ("anchor", "opening", "of")
"""The member that names the fact at which a measure reads."""
_BOUNDS = {"Target": ("at_most", "warning_at"), "Goal": ("from", "to"), "Improvement": ("from", "to")}
"""Members that are a number or a length."""


def schema_text() -> str:
    """As it is written to a file."""
    return json.dumps(rule_file_schema(), indent=1, ensure_ascii=False) + "\n"


def rule_file_schema() -> Schema:
    """JSON Schema, draft 2020-12."""
    made = RuleFile.model_json_schema()
    definitions: Schema = made["$defs"]
    for name, definition in definitions.items():
        for member, said in definition.get("properties", {}).items():
            said.pop("title", None)
            definition["properties"][member] = _named(name, member, said)
    for said in made["properties"].values():
        said.pop("title", None)
    definitions["Rule"]["properties"]["measure"] = _by_kind(definitions)
    definitions |= _vocabulary()
    _bind(definitions)
    return {"$schema": DIALECT, **made, "title": "A file of LoanPulse rules"}


def _named(model: str, member: str, said: Schema) -> Schema:
    """A member whose text is a name or a length."""
    is_of_measure = model.endswith("Measure") or model in ("Stock", "Part", "SquaredError")
    if (member in _FACTS and is_of_measure) or (member in _FACTS_OF_PAUSE and model == "Pause"):
        return _instead_of_text(said, FACT)
    if member in _CONDITIONS and is_of_measure:
        return _but(said, "additionalProperties", "type", **_reference(CONDITIONS))
    if member == "any_of":
        return said | {"items": _reference(CONDITIONS)}
    if member in _LENGTHS:
        return _instead_of_text(said, _LENGTHS[member])
    if (model, member) == _HELD:
        return _instead_of_text(said, PLAIN_LENGTH)
    return _instead_of_text(said, LENGTH) if member in _BOUNDS.get(model, ()) else said


def _instead_of_text(said: Schema, definition: str) -> Schema:
    if "anyOf" not in said:
        return _but(said, "type", **_reference(definition))
    options = [_reference(definition) if option == {"type": "string"} else option for option in said["anyOf"]]
    return said | {"anyOf": options}


def _but(said: Schema, *without: str, **instead: Any) -> Schema:
    return {name: value for name, value in said.items() if name not in without} | instead


def _reference(definition: str) -> Schema:
    return {"$ref": f"#/$defs/{definition}"}


def _by_kind(definitions: Schema) -> Schema:
    """A measure, by its kind: an editor then names the member that is wrong, where of alternatives it would name none."""
    models = {model.model_fields["kind"].annotation.__args__[0]: model.__name__ for model in _measures()}
    says = {kind: definitions[name]["description"].split("\n\n")[0] for kind, name in models.items()}
    return {
        "type": "object",
        "description": definitions["Rule"]["properties"]["measure"]["description"],
        "required": ["kind"],
        "properties": {
            "kind": {
                "enum": list(models),
                "description": "What is computed of the facts.\n\n"
                + "\n".join(f"* `{kind}`: {said}" for kind, said in says.items()),
            }
        },
        "allOf": [{"if": _is("kind", kind), "then": _reference(name)} for kind, name in models.items()],
    }


def _measures() -> tuple[Any, ...]:
    return get_args(get_args(Measure)[0])


def _is(member: str, value: str) -> Schema:
    return {"properties": {member: {"const": value}}, "required": [member]}


def _vocabulary() -> Schema:
    """Names and lengths."""
    kinds = {fact.kind for fact in FACTS.values()}
    return {
        FACT: {
            "enum": list(FACTS),
            "description": "An event type, or one of the facts that several events tell together.",
        },
        CONDITIONS: _conditions(),
        PLAIN_LENGTH: _length(*PLAIN_UNITS, example="60 days"),
        LENGTH: _length(*PLAIN_UNITS, *BUSINESS_UNITS, example="5 business days"),
    } | {_case(kind): {"enum": list(_others(kind))} for kind in sorted(kinds)}


def _conditions() -> Schema:
    """As the model has them; that of the first member that is some will do."""
    condition = _measures()[0].model_json_schema()["properties"]["where"]["additionalProperties"]
    return {
        "type": "object",
        "additionalProperties": condition,
        "description": "All must hold: a field of the fact, `another.fact`, or `another.fact.field`; a value, a list of values,"
        " present, absent, or a range.",
    }


def _length(*units: str, example: str) -> Schema:
    written = "|".join(_any_case(unit) for unit in sorted(units, key=len, reverse=True))
    return {
        "type": "string",
        "pattern": rf"^\s*[0-9]+(\.[0-9]+)?\s*({written})\s*$",
        "patternErrorMessage": f"not a length of time: write e.g. {example}",
        "description": f"A length of time, e.g. `{example}`.",
    }


def _any_case(text: str) -> str:
    return "".join(f"[{letter}{letter.upper()}]" if letter.isalpha() else letter for letter in text)


def _case(kind: str) -> str:
    return f"of a {kind}"


def _others(kind: str) -> Iterator[str]:
    """Paths to the facts of a kind of case, and to their fields."""
    for fact in FACTS.values():
        if fact.kind == kind:
            yield fact.name
            yield from (f"{fact.name}.{field}" for field in (*fact.fields, *ATTRIBUTES))


def _bind(definitions: Schema) -> None:
    """Let the paths of each measure be those that its own fact knows."""
    for name in [name for name in definitions if name.endswith("Measure") or name == "Stock"]:
        own = next((member for member in _OWN if member in definitions[name]["properties"]), None)
        if own is not None:
            definitions[name]["allOf"] = [_reference(f"paths by {own}")]
    for own in _OWN:
        definitions[f"paths by {own}"] = {
            "allOf": [{"if": _is(own, fact), "then": _reference(f"at {fact}")} for fact in FACTS]
        }
    for fact in FACTS.values():
        definitions |= dict(_at(fact))


def _at(fact: FactType) -> Iterator[tuple[str, Schema]]:
    """What a measure may read at a fact: its own fields, and the facts of its case."""
    path, conditions, amount, part = (
        _reference(f"{what} at {fact.name}") for what in ("path", "conditions", "amount", "part")
    )
    own = [*fact.fields, *ATTRIBUTES]
    inner = {"field": path, "basis_points": path, "forecast": path, "happened": conditions}
    yield f"path at {fact.name}", {"anyOf": [{"enum": own}, _reference(_case(fact.kind))]}
    yield f"conditions at {fact.name}", {"propertyNames": path}
    yield f"amount at {fact.name}", {"if": {"type": "string"}, "then": path, "else": {"properties": inner}}
    chosen = {"where": conditions, "any_of": {"items": conditions}, "amount": amount}
    yield f"part at {fact.name}", {"properties": chosen}
    parts = dict.fromkeys(("numerator", "denominator", "part", "whole"), part)
    yield f"at {fact.name}", {"properties": {"where": conditions, "points": path, "amount": amount, **parts}}
