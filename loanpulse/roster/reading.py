"""Reads a roster and judges it: all that is wrong with it is told at once."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple, cast

from kpi_rules.names import nearest
from loanpulse.lab.failures import InputError
from loanpulse.roster.entries import Entry, Written, read_entries
from loanpulse.roster.roster import KINDS, NOBODY, Kind, Member, Roster
from schemas.fields import is_id
from schemas.rejected import shorten

FIELDS = {"officer": ("id", "name", "branch", "from", "until"), "branch": ("id", "name")}
ARTICLES = {"officer": "an officer", "branch": "a branch"}
NOBODYS = "unassigned"
"""What the board calls whoever is not named."""
LONGEST_NAME = 100
YEARS = range(1970, 3000)

_DAY = re.compile(r"\d{4}-\d\d-\d\d").fullmatch
_NOTHING = Written("", 0)


class RosterError(InputError):
    """A roster that cannot be used: a line for each thing that is wrong."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))


class Problem(NamedTuple):
    """One thing that is wrong, and where."""

    line: int
    field: str
    message: str

    def text(self, file: str) -> str:
        return f"{file}:{self.line}: {self.field}: {self.message}"


def read_roster(path: Path | None) -> Roster:
    """The roster of a file, None being nobody. Raises InputError, with a line for each mistake."""
    if path is None:
        return NOBODY
    roster, problems = judged(read_entries(path))
    if problems:
        raise RosterError([problem.text(str(path)) for problem in problems])
    return roster


def judged(entries: Sequence[Entry]) -> tuple[Roster, list[Problem]]:
    """What entries say, and what is wrong with them, by line.

    Where no branch is listed, those that officers name are the branches.
    """
    listed = {_id(entry): entry for entry in entries if entry.kind.text == "branch"}
    problems = [problem for entry in entries for problem in _of_entry(entry, listed)]
    problems += _doubles(entries)
    if problems:
        return NOBODY, sorted(problems)
    members = [_member(entry) for entry in entries]
    if not listed:
        named = dict.fromkeys(member.branch for member in members if member.branch)
        members += [Member("branch", branch, "") for branch in named]
    return Roster(tuple(members)), []


def _of_entry(entry: Entry, branches: dict[str, Entry]) -> Iterator[Problem]:
    kind = entry.kind.text
    if kind not in KINDS:
        yield Problem(entry.kind.line, "kind", f"is {shorten(kind)}: must be officer or branch")
        return
    for written in entry.twice:
        yield Problem(written.line, written.text, "is written twice")
    for field, written in entry.fields.items():
        if field not in FIELDS[kind] and (written.text or field not in FIELDS["officer"]):
            known = ", ".join(FIELDS[kind])
            message = f"is no member of {ARTICLES[kind]}, which has {known}"
            yield Problem(written.line, field, message + nearest(field, FIELDS[kind]))
    yield from _of_id(entry)
    name = entry.fields.get("name", _NOTHING)
    if len(name.text) > LONGEST_NAME or not name.text.isprintable():
        message = f"is {shorten(name.text)}: up to {LONGEST_NAME} characters, all of them printable"
        yield Problem(name.line, "name", message)
    if kind == "officer":
        yield from _of_officer(entry, branches)


def _of_id(entry: Entry) -> Iterator[Problem]:
    written = entry.fields.get("id", Written("", entry.line))
    if not written.text:
        yield Problem(written.line, "id", "is missing: as the events name them")
    elif not is_id(written.text):
        yield Problem(
            written.line,
            "id",
            f"is {shorten(written.text)}: 1 to 64 of A-Z a-z 0-9 . _ : / @ -, first a letter or digit",
        )
    elif written.text == NOBODYS:
        yield Problem(
            written.line, "id", f"is {NOBODYS!r}: that is the board's word for nobody; leave it out"
        )


def _of_officer(entry: Entry, branches: dict[str, Entry]) -> Iterator[Problem]:
    branch = entry.fields.get("branch", _NOTHING)
    if branch.text and not is_id(branch.text):
        yield Problem(branch.line, "branch", f"is {shorten(branch.text)}: must be a branch's id")
    elif branch.text and branches and branch.text not in branches:
        way_out = nearest(branch.text, branches) or ": list it among the branches"
        yield Problem(branch.line, "branch", f"is {branch.text!r}, which is no branch of this file{way_out}")
    days = {field: entry.fields.get(field, _NOTHING) for field in ("from", "until")}
    for field, written in days.items():
        if written.text and _day(written.text) is None:
            yield Problem(written.line, field, f"is {shorten(written.text)}: write a day, as 2026-03-31")
    first, last = (_day(written.text) for written in days.values())
    if first is not None and last is not None and last < first:
        until = days["until"]
        yield Problem(until.line, "until", f"is {last}, before from, {first}: it is the last day at work")


def _doubles(entries: Sequence[Entry]) -> Iterator[Problem]:
    seen: dict[tuple[str, str], int] = {}
    for entry in entries:
        key, line = (entry.kind.text, _id(entry)), entry.fields.get("id", _NOTHING).line
        if key[1] and key in seen:
            yield Problem(line, "id", f"is {key[1]!r}, the {key[0]} of line {seen[key]}: keep one of them")
        seen.setdefault(key, line)


def _member(entry: Entry) -> Member:
    text = {field: entry.fields.get(field, _NOTHING).text for field in FIELDS["officer"]}
    kind = cast("Kind", entry.kind.text)
    if kind == "branch":
        return Member(kind, text["id"], text["name"])
    return Member(kind, text["id"], text["name"], text["branch"], _day(text["from"]), _day(text["until"]))


def _id(entry: Entry) -> str:
    return entry.fields.get("id", _NOTHING).text


def _day(text: str) -> date | None:
    """None for nothing, and for what is no day that can be reckoned with."""
    if not _DAY(text):
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year in YEARS else None
