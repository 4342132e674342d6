"""JSON lines as they are, and files that cannot be read; complaints say where."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from loanpulse.intake.mapping_file import parse_mapping
from loanpulse.intake.sources import EventFile, Raw, raw_of, read_events
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


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_csv(text: str) -> Path:
        path = tmp_path / "export.csv"
        path.write_text(text, "utf-8")
        return path

    return write_csv


def events_of(path: Path, mapping: str, zone: ZoneInfo = UTC) -> list[dict[str, Any]]:
    return [json.loads(raw.value) for raw in read_events(path, parse_mapping(mapping, "m.yaml"), zone)]


def read(path: Path) -> list[Raw]:
    return list(EventFile(path, None, UTC))


def line(**changes: Any) -> bytes:
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "s",
        "type": "query.received",
        "time": "2026-01-05T10:00:00Z",
        "subject": "q",
        "data": {"customer_id": "c"},
    }
    return json.dumps(event | changes).encode()


def test_json_lines_pass_as_their_own_bytes_even_those_that_are_none(tmp_path: Path) -> None:
    lines = [line(), b'{"a": "\xff"}', b"{", b"null", b'"text"', b"[1]", line(data=[1]), line(time=5)]
    for packed in (bytes, gzip.compress):
        path = tmp_path / "events"
        path.write_bytes(packed(b"\xef\xbb\xbf" + b"\r\n".join(lines) + b"\n\n  \n"))
        assert [raw.value for raw in read(path)] == lines


@pytest.mark.parametrize(
    ("value", "topic", "key", "at"),
    [
        (line(), "customer-interactions", b"c", 1_767_607_200_000),
        (line(type="peer.rated", data={"officer_id": "o"}), "staff-activity", b"o", 1_767_607_200_000),
        (line(type="peer.rated", data={}), "staff-activity", b"unassigned", 1_767_607_200_000),
        (
            line(type="peer.rated", data={"officer_id": None}),
            "staff-activity",
            b"unassigned",
            1_767_607_200_000,
        ),
        (line(type="query.recieved"), "loan-events", None, 1_767_607_200_000),
        (line(time="2026-01-05T10:00:00"), "customer-interactions", b"c", None),
        (line(time=None, data={"customer_id": 7}), "customer-interactions", None, None),
        (line(data="c"), "customer-interactions", None, 1_767_607_200_000),
        (b"\x00", "loan-events", None, None),
    ],
)
def test_a_record_goes_where_its_type_says_else_to_the_first_topic(
    value: bytes, topic: str, key: bytes | None, at: int | None
) -> None:
    assert raw_of(value) == Raw(topic, key, value, at)


def test_a_file_of_another_kind_is_told(tmp_path: Path) -> None:
    def told(name: str, content: bytes) -> str:
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(InputError) as raised:
            read(path)
        return str(raised.value).removeprefix(f"{path}")

    assert told("a.json", b'[{"id": 1}]') == ":1: a JSON array; one event a line is read (jq -c '.[]')"
    assert told("b.csv.gz", b"") == ": CSV needs --mapping (built in: bpic2012, loans, open-cases)"
    assert told("c.gz", gzip.compress(b"{}\n" * 99)[:-9]).startswith(
        ": cannot be read: Compressed file ended"
    )
    assert told("d", b"{}\n" + b" " * (9 << 20)).startswith(":2: longer than 8 MiB")
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read(tmp_path / "nowhere")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read(tmp_path)


def test_csv_that_cannot_be_read_is_told(write: Write, tmp_path: Path) -> None:
    path = write("")
    path.write_bytes(b"at,file,client,clerk,status\n\xff,f,c,o,NEW\n")
    with pytest.raises(InputError, match="can't decode byte 0xff"):
        events_of(path, MINIMAL)
    (event,) = events_of(path, MINIMAL + "encoding: latin-1\n")
    assert event["time"] == "ÿ"


def test_a_file_can_be_read_again_and_says_how_far_it_is(write: Write) -> None:
    path = write("at,file,client,clerk,status\n" + "2026-01-05T10:00:00Z,f,c,o,NEW\nx,,,,IDLE\n" * 50)
    source = read_events(path, parse_mapping(MINIMAL, "m.yaml"), UTC)
    assert source.fraction_read() == 0.0
    first = list(source)
    assert source.fraction_read() == 1.0
    assert list(source) == first
    assert (len(first), source.ignored) == (50, 50)
