"""Reading the documentation: its code blocks, its commands, its links."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import typer

from loanpulse.cli.main import app
from streams.runtime.settings import load_settings
from tests.docs_tables import ROOT, pages

BLOCK = re.compile(r"^```(\S*) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]*)(#[^)\s]*)?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


class Block(NamedTuple):
    """A fenced block: `json event` has the language json and the kind event."""

    page: Path
    language: str
    kind: str
    text: str


def blocks(language: str | None = None, kind: str | None = None) -> list[Block]:
    found = (
        Block(page, *groups)
        for page in (*pages(), *(ROOT / "docs/adr").glob("*.md"))
        for groups in BLOCK.findall(page.read_text())
    )
    return [block for block in found if language in (None, block.language) and kind in (None, block.kind)]


def block(kind: str, page: str) -> str:
    """The text of the only block of a kind on a page."""
    (found,) = (block for block in blocks(kind=kind) if block.page.name == page)
    return found.text


def command_lines() -> Iterator[tuple[Path, list[str]]]:
    """The words of every line of every shell block, comments and redirections left out."""
    for found in blocks("sh"):
        for line in found.text.splitlines():
            if words := shlex.split(line.partition(" > ")[0], comments=True):
                yield found.page, words


def demand(words: list[str]) -> None:
    """Let the command line judge the words after `loanpulse`, without running anything; raises typer.TyperException."""
    command, rest = _command(words)
    command.make_context("loanpulse", rest)


def demand_named(words: list[str]) -> None:
    """As a text names a command, without all that it needs: the command and the options that are named are there."""
    command, rest = _command(words)
    known = {name for option in command.params for name in option.opts} | {"--help"}
    unknown = {word for word in rest if word.startswith("-")} - known
    assert not unknown, f"{words}: no option {unknown}"


@cache
def _whole_command() -> Any:
    return typer.main.get_command(app)


def _command(words: list[str]) -> tuple[Any, list[str]]:
    """The command that some words begin with, and the words after it."""
    command: Any = _whole_command()
    rest = list(words)
    while rest and hasattr(command, "commands") and not rest[0].startswith("-"):
        name = rest.pop(0)
        assert name in command.commands, f"{words}: no command {name}"
        command = command.commands[name]
    return command, rest


def demand_settings(assignments: list[str]) -> None:
    """Each is VARIABLE=value of a setting; raises SettingsError."""
    load_settings(dict(assignment.split("=", 1) for assignment in assignments))


def anchors(page: Path) -> set[str]:
    """What links within a page may name, as GitHub makes it of headings."""
    text = BLOCK.sub("", page.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text)}
