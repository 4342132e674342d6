"""The page on alert delivery: its routes file can be used, its verification verifies, its tables are whole."""

import base64
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from standardwebhooks import Webhook

from loanpulse.dispatch import receivers
from loanpulse.dispatch.routes import Match, Route, Routes
from loanpulse.dispatch.routes_file import parse_routes
from tests.dispatch_lab import SECRET, figure, raised
from tests.docs_lab import block
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


def test_the_page_names_only_kinds_of_receivers_that_there_are() -> None:
    kinds = set(re.findall(r"kind: (\w+)", block("routes", PAGE)))
    assert kinds == set(receivers.KINDS)
