"""The contract as JSON Schema says what the models say, and the rules that join several members."""

import json
from typing import Any

import pytest

from schemas.json_schema import json_schemas
from tests.schemas_events import CONTRACTS, Contract

SCHEMAS = json_schemas()

every_type = pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)


def data_of(name: str) -> dict[str, Any]:
    schema = SCHEMAS[name]
    reference = schema["properties"]["data"]["$ref"].removeprefix("#/$defs/")
    data: dict[str, Any] = schema["$defs"][reference]
    return data


def when_given(schema: dict[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = schema["anyOf"][0] if "anyOf" in schema else schema
    return given


def test_every_type_has_a_schema_of_draft_2020_12_and_two_exports_are_equal() -> None:
    assert list(SCHEMAS) == list(CONTRACTS)
    assert {schema["$schema"] for schema in SCHEMAS.values()} == {
        "https://json-schema.org/draft/2020-12/schema"
    }
    assert json.dumps(json_schemas()) == json.dumps(SCHEMAS)


@every_type
def test_a_schema_is_of_the_whole_envelope(contract: Contract) -> None:
    schema = SCHEMAS[contract.type]
    assert schema["title"] == contract.type
    assert schema["properties"]["type"]["const"] == contract.type
    assert schema["required"] == ["specversion", "source", "id", "type", "time", "subject", "data"]
    assert schema.get("additionalProperties", True)


@every_type
def test_a_schema_lists_the_members_of_data_and_those_required(contract: Contract) -> None:
    data = data_of(contract.type)
    assert list(data["properties"]) == [field.name for field in contract.members]
    assert set(data.get("required", ())) == {field.name for field in contract.members if field.required}
    for field in contract.members:
        nullable = {"type": "null"} in data["properties"][field.name].get("anyOf", ())
        assert nullable != field.required


@every_type
def test_a_schema_bounds_integers_and_names_choices(contract: Contract) -> None:
    for field in contract.members:
        schema = when_given(data_of(contract.type)["properties"][field.name])
        if field.kind.startswith("int"):
            assert f"int {schema['minimum']}..{schema['maximum']}" == field.kind
        elif " / " in field.kind:
            assert " / ".join(schema["enum"]) == field.kind
        elif field.kind == "time":
            assert schema["format"] == "date-time"
        elif field.kind == "bool":
            assert schema["type"] == "boolean"
        else:
            assert schema["pattern"]


def test_the_schema_of_a_status_report_allows_no_revision() -> None:
    [rule] = SCHEMAS["loan.status_reported"]["allOf"]
    assert rule["properties"] == {"revision": {"enum": [0, None]}, "retracted": {"enum": [False, None]}}


def test_the_schema_of_a_submission_keeps_its_figures_together() -> None:
    [rule] = SCHEMAS["application.submitted"]["allOf"]
    needs = [(n["if"]["required"], n["then"]["required"]) for n in rule["properties"]["data"]["allOf"]]
    assert needs == [
        (["documents_accepted"], ["documents_required"]),
        (["documents_required"], ["documents_accepted"]),
        (["amount_minor"], ["currency"]),
    ]
