"""Books to import, and what an import finds in them."""

import json
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from loanpulse.cli.exits import outcome
from loanpulse.cli.main import app
from loanpulse.intake.files import PackedFile
from loanpulse.intake.importing import Options, import_file
from loanpulse.intake.mapping_file import load_mapping
from loanpulse.intake.survey import Survey
from loanpulse.intake.table import Table
from schemas.decode import decode
from schemas.fields import time_ms
from streams.runtime.settings import Settings

Event = dict[str, Any]
NOW_MS = time_ms("2026-07-01T12:00:00Z")
ZONE = "Europe/Amsterdam"
HEADER = (
    "customer_id,loan_id,officer_id,product,funded_at,amount,currency,reported_at,outstanding,days_past_due"
)
GOOD = "c-1,L-1,ann,home,2021-03-15,2500.50,EUR,2026-06-30,2015.40,0"
PERIOD = "customer_id,loan_id,officer_id,product,funded_at,amount,currency,defaulted_at,outstanding_at_default,paid_off_at"


class Said(NamedTuple):
    exit: int
    out: str
    err: str


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> Said:
    """The command line."""
    code = outcome(lambda: app(list(arguments), prog_name="loanpulse", standalone_mode=False))
    return Said(code, *capsys.readouterr())


def written(home: Path, *rows: str, header: str = HEADER) -> Path:
    path = home / "book.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def events_of(path: Path, mapping: str = "loans", **more: Any) -> list[Event]:
    """The events of a file, each found valid."""
    table = Table(PackedFile(path), load_mapping(mapping), ZoneInfo(ZONE), by_fact=True, **more)
    events = [mapped.event for line in table for mapped in line.events]
    for event in events:
        decode(json.dumps(event).encode())
    return events


def survey_of(path: Path, mapping: str = "loans", **more: Any) -> Survey:
    """As a dry run finds it."""
    return import_file(Options(path, mapping, dry_run=True, **more), Settings(tz=ZONE), NOW_MS).survey


def complaints(path: Path, mapping: str = "loans") -> list[str]:
    return [f"{problem.line}: {problem.text}" for problem in survey_of(path, mapping).problems]
