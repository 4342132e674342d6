"""Board and serve as processes of their own, on a Redis that a test names."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from loanpulse.lab.child import Child
from streams.runtime.settings import Settings, environ_of
from tests.waiting import wait_until

COMPUTES = "this process computes the board now"


@contextmanager
def process(name: str, settings: Settings, log: Path) -> Iterator[Child]:
    """`loanpulse NAME` with these settings; ended afterwards."""
    plain = {key: value for key, value in os.environ.items() if not key.startswith("LOANPULSE_")}
    child = Child(name, [name], plain | environ_of(settings), log)
    try:
        yield child
    finally:
        child.stop()


def says(child: Child, text: str) -> bool:
    """Whether its log has the text; it must still run."""
    said = child.log.read_text(errors="replace")
    assert child.failure() is None, said
    return text in said


def address_of(serve: Child) -> str:
    """Where a serve process on any free port listens."""
    wait_until(lambda: says(serve, "listening on"))
    place = re.search(r"listening on (\S+) port (\d+)", serve.log.read_text())
    assert place is not None
    return f"http://{place[1]}:{place[2]}"


def get(url: str) -> tuple[int, str]:
    """Status and body."""
    try:
        with urlopen(Request(url), timeout=10) as answer:  # noqa: S310  # an address of our own
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def ask(url: str) -> tuple[int, dict[str, Any]]:
    """Status and JSON."""
    status, body = get(url)
    return status, json.loads(body)
