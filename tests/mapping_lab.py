"""Mappings tried on small exports."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from loanpulse.intake.mapping_file import parse_mapping
from loanpulse.intake.sources import read_events
from loanpulse.lab.failures import InputError

UTC = ZoneInfo("UTC")
MINIMAL = """\
source: los
time: at
subject: file
data: {customer_id: client, officer_id: clerk}
events:
  - when: {status: NEW}
    type: application.submitted
"""

Write = Callable[[str], Path]


def events_of(path: Path, mapping: str, zone: ZoneInfo = UTC) -> list[dict[str, Any]]:
    return [json.loads(raw.value) for raw in read_events(path, parse_mapping(mapping, "m.yaml"), zone)]


def time_of(write: Write, text: str, time: str, zone: str = "UTC") -> str:
    mapping = MINIMAL.replace("time: at", f"time: {time}")
    (event,) = events_of(write(f"at,file,client,clerk,status\n{text},f,c,o,NEW\n"), mapping, ZoneInfo(zone))
    return str(event["time"])


def complaint(mapping: str) -> str:
    with pytest.raises(InputError) as raised:
        parse_mapping(mapping, "m.yaml")
    return str(raised.value)
