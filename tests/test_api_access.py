"""The token of the API: who has it may, nobody else does, and it is told to no one."""

import asyncio
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from httpx import Response

from loanpulse.lab.ports import free_port
from loanpulse.serve.api.access import access_by
from loanpulse.serve.app import create_app
from streams.runtime.clock import WallClock
from streams.runtime.settings import Settings, SettingsError
from tests.api_lab import PATH, TOKEN, Api, api, token_file

SETTING = "LOANPULSE_API_TOKEN_FILE"
SILENCE = {"officer": "o-17", "reason": "away", "by": "eva", "for": "1 hour"}


def settings(token: Path | None) -> Settings:
    """Of a Redis on a port on which nobody listens: who gets past the token is told so, by 503."""
    return Settings(redis=f"redis://127.0.0.1:{free_port()}/0", api_token_file=token)


async def each(it: Api, authorization: str = "") -> list[Response]:
    """The answer to every request that there is, the same header on each."""
    asks: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", PATH, {}), ("GET", f"{PATH}/4f1c09aa", {}), ("DELETE", f"{PATH}/4f1c09aa", {}), ("POST", PATH, {"json": SILENCE}),
        ("POST", PATH, {"content": "no JSON"}),
    ]  # fmt: skip
    client, headers = it.stranger, {b"Authorization": authorization.encode()} if authorization else {}
    return [await client.request(method, path, headers=headers, **sent) for method, path, sent in asks]


def test_without_the_token_nothing_is_read_and_nothing_done(tmp_path: Path) -> None:
    wrong = [TOKEN[:-1], f"{TOKEN}x", TOKEN.upper(), "", "ünïcødé-und-lang-genug"]

    async def story() -> None:
        async with api(settings(token_file(tmp_path)), WallClock()) as it:
            for answer in await each(it):
                assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
                assert "Authorization: Bearer" in it.said(answer)["detail"]
            for answer in await each(it, f"Basic {TOKEN}"):
                assert answer.status_code == 401
            for other in wrong:
                for answer in await each(it, f"Bearer {other}"):
                    assert answer.status_code == 401
                    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
                    assert SETTING in it.said(answer)["detail"]

    asyncio.run(story())


def test_the_first_line_of_the_file_is_the_token(tmp_path: Path) -> None:
    token = token_file(tmp_path, f"{TOKEN}\r\nof the desk, since March\n")

    async def story() -> list[int]:
        async with api(settings(token), WallClock()) as it:
            return [answer.status_code for answer in await each(it, f"bearer {TOKEN}")]

    assert asyncio.run(story()) == [503, 503, 503, 503, 422]


def test_the_file_is_read_once(tmp_path: Path) -> None:
    async def story() -> Response:
        async with api(settings(token_file(tmp_path)), WallClock()) as it:
            token_file(tmp_path, "another.token.of.some.length")
            return await it.client.get(PATH)

    assert asyncio.run(story()).status_code == 503


def test_without_a_token_silences_are_closed_and_say_which_setting_opens_them() -> None:
    async def story() -> None:
        async with api(settings(None), WallClock()) as it:
            for answer in [*await each(it), *await each(it, f"Bearer {TOKEN}")]:
                assert answer.status_code == 403
                assert f"{SETTING} is not set" in it.said(answer)["detail"]

    asyncio.run(story())


def test_metrics_and_health_need_no_token(tmp_path: Path) -> None:
    async def story() -> None:
        for token in (None, token_file(tmp_path)):
            async with api(settings(token), WallClock()) as it:
                answers = [await it.stranger.get(path) for path in ("/metrics", "/healthz", "/readyz")]
                assert [answer.status_code for answer in answers] == [200, 200, 503]
                assert answers[2].json()["reasons"]

    asyncio.run(story())


def test_what_there_is_not_is_a_problem_too(tmp_path: Path) -> None:
    async def story() -> list[Response]:
        async with api(settings(token_file(tmp_path)), WallClock()) as it:
            return [await it.client.get("/api/v1/nothing"), await it.client.put(PATH)]

    nothing, put = asyncio.run(story())
    assert (nothing.status_code, put.status_code) == (404, 405)
    for answer in (nothing, put):
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code


def test_the_token_is_in_no_answer_and_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever is asked, with the right token, a wrong one that holds it, and none; logged in full."""
    caplog.set_level(logging.DEBUG)
    service = settings(token_file(tmp_path))

    async def story() -> list[Response]:
        async with api(service, WallClock()) as it:
            given = [f"Bearer {TOKEN}", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN]
            answers = [answer for header in given for answer in await each(it, header)]
            return [*answers, await it.client.post(PATH, json=SILENCE | {"token": TOKEN})]

    answers = asyncio.run(story())
    assert {answer.status_code for answer in answers} == {401, 422, 503}
    assert not [answer for answer in answers if TOKEN in f"{answer.headers} {answer.text}"]
    assert "Redis does not answer" in caplog.text
    assert TOKEN not in caplog.text
    assert TOKEN not in f"{service!r} {access_by(service.api_token_file)!r}"


@pytest.mark.parametrize(
    "text",
    ["", "\n", "short\n", "fifteen.letters\n", "a token with spaces in it\n", "tökentökentökentöken\n"],
)
def test_a_token_that_cannot_be_one_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    path = token_file(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        create_app(settings(path))
    said = str(caught.value)
    assert said.startswith(f"{SETTING} is {str(path)!r}: its first line must be a token of 16 or more")
    assert "\n" not in said
    assert not text.strip() or text.strip() not in said


def test_serve_with_a_token_that_cannot_be_one_is_one_line_and_2(tmp_path: Path) -> None:
    path = token_file(tmp_path, "hunter2\n")
    said = subprocess.run(
        [sys.executable, "-m", "loanpulse", "serve", "--serve-port", "0", "--api-token-file", str(path)],
        env={"LOANPULSE_REDIS": f"redis://127.0.0.1:{free_port()}/0"},
        capture_output=True, check=False, text=True, timeout=60,
    )  # fmt: skip
    assert (said.returncode, said.stdout, said.stderr.count("\n")) == (2, "", 1)
    assert SETTING in said.stderr
    assert "hunter2" not in said.stderr
