"""Silences over HTTP: added, listed and ended as on the command line; what cannot be is refused in the API's own words."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from loanpulse.cli.exits import outcome
from loanpulse.cli.main import app
from loanpulse.lab.ports import free_port
from streams.runtime.clock import WallClock
from tests.api_lab import AT_TEN, PATH, SNOOZE, TOKEN, faults, serving
from tests.dispatch_lab import HOUR, HandClock

AT_NOON = "2026-03-02T12:00:00.000Z"
BROAD = {"officer": "o-17", "kpi": "response_*", "reason": "away", "by": "eva", "until": "2026-03-02T12:00:00+01:00"}  # fmt: skip


@pytest.mark.servers
def test_a_silence_is_added_listed_and_ended(redis_url: str, tmp_path: Path) -> None:
    clock = HandClock(AT_TEN)

    async def story() -> None:
        async with serving(redis_url, tmp_path, clock) as it:
            snoozed, broad = [await it.client.post(PATH, json=wanted) for wanted in (SNOOZE, BROAD)]
            assert (snoozed.status_code, broad.status_code) == (201, 201)
            made = it.said(snoozed)
            assert made == {
                "id": made["id"], "case": {"subject": "Q-1", "kind": "query", "key": None},
                "officer": None, "kpi": None, "branch": None, "reason": "calls back", "by": "ann",
                "since": AT_TEN, "until": AT_NOON,
            }  # fmt: skip
            assert it.said(broad)["until"] == "2026-03-02T11:00:00.000Z"
            assert snoozed.headers["Location"] == f"{PATH}/{made['id']}"
            assert it.said(await it.client.get(snoozed.headers["Location"])) == made
            assert it.said(await it.client.get(PATH)) == [it.said(broad), made]
            clock.go_on(HOUR)
            ended = await it.client.delete(snoozed.headers["Location"])
            assert (ended.status_code, it.said(ended)) == (200, made | {"until": "2026-03-02T11:00:00.000Z"})
            assert it.said(await it.client.get(PATH)) == []
            for answer in [await it.client.request(method, ended.url.path) for method in ("DELETE", "GET")]:
                assert answer.status_code == 404
                assert made["id"] in it.said(answer)["detail"]

    asyncio.run(story())


@pytest.mark.servers
def test_the_command_line_and_the_api_see_each_others_silences(
    redis_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(*words: str) -> str:
        place = ("--redis", redis_url)
        code = outcome(lambda: app(["silence", *words, *place], prog_name="loanpulse", standalone_mode=False))
        out, err = capsys.readouterr()
        assert (code, err) == (0, "")
        return out

    def asked(method: str, path: str = PATH, **sent: Any) -> Any:
        async def story() -> Any:
            async with serving(redis_url, tmp_path, WallClock()) as it:
                return it.said(await it.client.request(method, path, **sent))

        return asyncio.run(story())

    made = asked("POST", json=SNOOZE)
    assert command("list").splitlines()[1].startswith(made["id"])
    command("end", made["id"])
    assert asked("GET") == []
    named = ("--case", "no id at all", "--until", "1 hour", "--reason", "r", "--by", "eva")
    name = command("add", *named).split()[1]
    (listed,) = asked("GET")
    assert (listed["id"], listed["case"]) == (name, {"subject": "no id at all", "kind": None, "key": None})
    assert asked("DELETE", f"{PATH}/{name}")["id"] == name
    assert command("list") == "no silences\n"


REFUSED: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"case": None}, {"#": "names nothing: name a case, officer, KPI or branch"}),
    ({"case": {"kind": "query"}}, {"#/case/subject": "is missing"}),
    ({"case": {"subject": "Q 1"}}, {"#/case/subject": "is 'Q 1': string should match pattern '^[A-Za-z0-9]"}),
    ({"case": {"subject": "Q-1", "a/b~": 1}}, {"#/case/a~1b~0": "is not known: "}),
    ({"untill": TOKEN}, {"#/untill": "is not known: /openapi.json lists the members"}),
    ({"branch": ""}, {"#/branch": "is '': "}),
    ({"branch": 7}, {"#/branch": "is 7: input should be a valid string"}),
    ({"kpi": "Response!"}, {"#/kpi": "is 'Response!': string should match pattern '^[a-z0-9_.*?]"}),
    ({"reason": " ", "by": "a\nb"}, {"#/reason": "is ' ': must be printable", "#/by": r"is 'a\nb': must be print"}),
    ({"reason": "x" * 501}, {"#/reason": "is 'xxx"}),
    ({"for": None}, {"#": "say either until when (until) or for how long (for)"}),
    ({"until": AT_NOON}, {"#": "say either until when (until) or for how long (for)"}),
    ({"for": "a while"}, {"#/for": "is 'a while': write a length such as 2 hours"}),
    ({"for": AT_NOON}, {"#/for": f"is '{AT_NOON}': write a length such as 2 hours"}),
    ({"for": "2 business days"}, {"#/for": "is '2 business days': business days depend on the branch: write hours"}),
    ({"for": "0 hours"}, {"#/for": "is 2026-03-02 10:00Z: must be later than now"}),
    ({"for": f"{'9' * 30} days"}, {"#/for": f"is '{'9' * 30} days': at most 366 days from now"}),
    ({"for": None, "until": "2 hours"}, {"#/until": "is '2 hours': must be RFC 3339 with an offset"}),
    ({"for": None, "until": "2026-03-02T12:00:00"}, {"#/until": "is '2026-03-02T12:00:00': must be RFC 3339 with"}),
    ({"for": None, "until": AT_TEN}, {"#/until": "is 2026-03-02 10:00Z: must be later than now"}),
    ({"for": None, "until": "9999-12-31T23:59:59Z"}, {"#/until": "is 9999-12-31 23:59Z: at most 366 days from"}),
]  # fmt: skip


@pytest.mark.servers
def test_a_silence_that_cannot_be_is_refused_with_the_field_its_value_and_the_way_out(
    redis_url: str, tmp_path: Path
) -> None:
    async def story() -> None:
        async with serving(redis_url, tmp_path) as it:
            for change, wrong in REFUSED:
                answer = await it.client.post(PATH, json=SNOOZE | change)
                assert answer.status_code == 422, change
                said = it.said(answer)
                assert faults(said).keys() == wrong.keys(), change
                for pointer, begins in wrong.items():
                    assert faults(said)[pointer].startswith(begins), said
                assert TOKEN not in answer.text
            assert it.said(await it.client.get(PATH)) == []

    asyncio.run(story())


def test_every_fault_is_told_at_once_in_one_line(tmp_path: Path) -> None:
    async def story() -> Any:
        async with serving(f"redis://127.0.0.1:{free_port()}/0", tmp_path) as it:
            return it.said(await it.client.post(PATH, json={"branch": "", "by": "eva"}))

    detail = asyncio.run(story())["detail"]
    assert [part.split(" is ")[0] for part in detail.split("; ")] == ["branch", "reason"]


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        (b'{"by": ', "application/json", "not JSON at character 7: Expecting value"),
        (b"[]", "application/json", "must be a JSON object, sent with Content-Type: application/json"),
        (b"", "application/json", "must be a JSON object, sent with Content-Type: application/json"),
        (json.dumps(SNOOZE).encode(), "text/plain", "must be a JSON object, sent with Content-Type:"),
    ],
)
def test_what_is_no_json_object_is_refused(tmp_path: Path, content: bytes, kind: str, said: str) -> None:
    async def story() -> Any:
        async with serving(f"redis://127.0.0.1:{free_port()}/0", tmp_path) as it:
            headers = {"Content-Type": kind}
            return it.said(await it.client.post(PATH, content=content, headers=headers))

    assert faults(asyncio.run(story()))["#"].startswith(said)


def test_a_lone_surrogate_is_refused_and_can_be_told(tmp_path: Path) -> None:
    async def story() -> Any:
        async with serving(f"redis://127.0.0.1:{free_port()}/0", tmp_path) as it:
            content, headers = json.dumps(SNOOZE | {"by": "\ud800"}), {"Content-Type": "application/json"}
            return it.said(await it.client.post(PATH, content=content, headers=headers))

    assert faults(asyncio.run(story()))["#/by"].startswith(r"is '\ud800': ")
