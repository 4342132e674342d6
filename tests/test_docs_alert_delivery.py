"""The page on alert delivery: its routes file can be used, its verification verifies, its tables are whole."""

import asyncio
import base64
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from standardwebhooks import Webhook

from loanpulse.dispatch import receivers
from loanpulse.dispatch.routes import Match, Route, Routes
from loanpulse.dispatch.routes_file import parse_routes
from loanpulse.serve.api.silence import NewSilence, SilencedCase, StoredSilence
from streams.runtime.settings import Settings
from tests.api_lab import TOKEN, api, token_file
from tests.dispatch_lab import SECRET, HandClock, figure, raised
from tests.docs_lab import block, command_lines
from tests.docs_tables import DOCS

PAGE = "alert-delivery.md"


def sample() -> Routes:
    return parse_routes(block("routes", PAGE), PAGE)


def test_the_sample_routes_tell_whom_the_page_says() -> None:
    assert set(sample().of(raised(band="breached").data)) == {"tickets", "floor"}
    assert set(sample().of(raised(kpi="turnaround_time").data)) == {"leads"}
    assert not sample().of(figure().data)["leads"].resolved


def test_every_member_of_a_routes_file_is_told() -> None:
    text = (DOCS / PAGE).read_text()
    models = (receivers.Webhook, receivers.Slack, receivers.Email, receivers.Apprise, Route, Match)
    members = {field.alias or name for model in models for name, field in model.model_fields.items()}
    assert {name for name in members if f"`{name}`" not in text} == set()


def test_the_sample_verification_accepts_what_is_signed_and_nothing_else(tmp_path: Path) -> None:
    """In an interpreter of its own, as a reader would run it."""
    now = 1_772_445_600
    signed = Webhook(SECRET).sign("a-1", datetime.fromtimestamp(now, UTC), '{"id":"a-1"}')
    other = base64.b64encode(b"0" * 32).decode()
    script = (
        block("verify", PAGE)
        + f"""
headers = {{"webhook-id": "a-1", "webhook-timestamp": "{now}", "webhook-signature": "v1,{other} {signed}"}}
print(verified({SECRET!r}, headers, b'{{"id":"a-1"}}', {now + 10}))
print(verified({SECRET!r}, headers, b'{{"id":"a-2"}}', {now + 10}))
print(verified("whsec_{other}", headers, b'{{"id":"a-1"}}', {now + 10}))
print(verified({SECRET!r}, headers, b'{{"id":"a-1"}}', {now + 301}))
"""
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, check=True, text=True
    )
    assert done.stdout.split() == ["True", "False", "False", "False"]


@pytest.mark.servers
def test_the_sample_requests_are_answered(redis_url: str, namespace: str, tmp_path: Path) -> None:
    """As curl would send them; the silence that the last one ends is the first that was made."""
    requests = [words for page, words in command_lines() if page.name == PAGE and words[0] == "curl"]
    settings = Settings(redis=redis_url, namespace=namespace, api_token_file=token_file(tmp_path))

    async def story() -> list[int]:
        statuses, made = [], ""
        async with api(settings, HandClock("2026-11-30T09:00:00Z")) as it:
            for words in requests:
                place, body = (
                    urlsplit(words[4]),
                    words[words.index("--json") + 1] if "--json" in words else None,
                )
                method = "DELETE" if words[-2:] == ["-X", "DELETE"] else "GET" if body is None else "POST"
                assert place.port == Settings().serve_port
                answer = await it.stranger.request(
                    method, place.path.replace("4f1c09aa", made), content=body,
                    headers={"Authorization": words[3].partition(": ")[2].replace("$TOKEN", TOKEN)}
                    | ({"Content-Type": "application/json"} if body else {}),
                )  # fmt: skip
                made = made or (answer.json()["id"] if method == "POST" else "")
                statuses.append(answer.status_code)
        return statuses

    assert asyncio.run(story()) == [200, 201, 201, 200]


def test_every_member_of_a_silence_is_told() -> None:
    told = set(re.findall(r'"(\w+)"', (DOCS / PAGE).read_text()))
    assert {field.alias or name for name, field in NewSilence.model_fields.items()} <= told
    assert set(StoredSilence.model_fields) | set(SilencedCase.model_fields) <= told


def test_the_page_names_only_kinds_of_receivers_that_there_are() -> None:
    kinds = set(re.findall(r"kind: (\w+)", block("routes", PAGE)))
    assert kinds == set(receivers.KINDS)
