"""What the API says of itself: its examples can be used, and its errors are as it promises."""

import asyncio
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from loanpulse.lab.ports import free_port
from tests.api_lab import PATH, Api, serving
from tests.dispatch_lab import HandClock


@pytest.mark.servers
def test_the_examples_of_the_openapi_are_what_its_schemas_describe_and_are_taken(
    redis_url: str, tmp_path: Path
) -> None:
    async def story() -> None:
        async with serving(redis_url, tmp_path, HandClock("2026-11-30T09:00:00Z")) as it:
            schemas = it.openapi["components"]["schemas"]
            assert {"SilencedCase", "NewSilence", "StoredSilence"} <= {
                name for name in schemas if schemas[name].get("examples")
            }
            for name, schema in schemas.items():
                for example in schema.get("examples", []):
                    judge = Draft202012Validator(it.whole({"$ref": f"#/components/schemas/{name}"}))
                    judge.validate(example)
            for example in schemas["NewSilence"]["examples"]:
                assert (await it.client.post(PATH, json=example)).status_code == 201

    asyncio.run(story())


def test_each_problem_that_the_openapi_promises_has_an_example_that_is_one(tmp_path: Path) -> None:
    async def story() -> Api:
        async with serving(f"redis://127.0.0.1:{free_port()}/0", tmp_path) as it:
            return it

    paths = asyncio.run(story()).openapi["paths"]
    operations = [paths[path][method] for path in paths if path.startswith(PATH) for method in paths[path]]
    assert len(operations) == 4
    for operation in operations:
        assert {"401", "403", "503"} <= operation["responses"].keys()
        for status, promised in operation["responses"].items():
            (media_type,) = promised["content"]
            is_problem = status == "default" or int(status) >= 400
            assert (media_type == "application/problem+json") == is_problem
            example = promised["content"][media_type].get("example", {})
            if is_problem and status != "default":
                Draft202012Validator(promised["content"][media_type]["schema"]).validate(example)
                assert example["status"] == int(status)
