"""A real bank's loan log through real Kafka and Redis gives the numbers that a plain recount of its rows gives.

The log's licence is not ours to pass on, so it is read from beside the project; LOG says where.
"""

import csv
import gzip
import json
import random
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

LOG = Path(__file__).parents[2] / "shared" / "data" / "bpic2012_events.csv.gz"
OUTCOMES = {"A_APPROVED": "approved", "A_DECLINED": "declined", "A_CANCELLED": "withdrawn"}
AS_OF = "2012-03-14T15:04:54.681Z"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

pytestmark = [
    pytest.mark.servers,
    pytest.mark.slow,
    pytest.mark.skipif(not LOG.exists(), reason="the public loan log is not beside the project"),
]


@cache
def log() -> list[dict[str, str]]:
    with gzip.open(LOG, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def ms(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(milliseconds=1)


@cache
def by_officer() -> dict[str, dict[str, int]]:
    """Per deciding officer, and under "" for the bank: approved, decided, and Σ turnaround in ms.

    Turnaround is plain time: the bank's opening hours are not in the log.
    """
    submitted = {row["case_id"]: ms(row["timestamp"]) for row in log() if row["activity"] == "A_SUBMITTED"}
    found: dict[str, dict[str, int]] = defaultdict(Counter)
    for row in log():
        outcome = OUTCOMES.get(row["activity"])
        if outcome in ("approved", "declined"):
            for officer in ("", row["resource"] or "unassigned"):
                found[officer]["approved"] += outcome == "approved"
                found[officer]["decided"] += 1
                found[officer]["sum"] += ms(row["timestamp"]) - submitted[row["case_id"]]
    return found


def replay(path: Path, out: Path, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "loanpulse", "replay", str(path), "--mapping", "bpic2012"]
    command += ["--as-of", AS_OF, "--board", str(out), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(out.read_text()))


@pytest.fixture(scope="module")
def places(kafka: Any, redis_server: Any) -> Any:
    """The session's servers, as a replay finds them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOANPULSE_KAFKA", kafka.bootstrap)
        patch.setenv("LOANPULSE_REDIS", redis_server.url)
        yield


def shuffled(tmp_path: Path) -> Path:
    """The log's rows in any order."""
    rows = log().copy()
    random.Random(2012).shuffle(rows)
    path = tmp_path / "shuffled.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def rows_of(board: dict[str, Any], kpi: str) -> dict[str, dict[str, Any]]:
    """The rows of the longest window, which holds the whole log, by officer ("" for the bank)."""
    return {
        row["group"].get("officer", ""): row
        for row in board["rows"]
        if row["kpi"] == kpi and row["window"] == "180d" and row["group"].keys() <= {"officer"}
    }


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("order", ["as logged", "shuffled"])
@pytest.mark.usefixtures("places")
def test_the_log_gives_the_banks_own_numbers(workers: int, order: str, tmp_path: Path) -> None:
    path = LOG if order == "as logged" else shuffled(tmp_path)
    board = replay(path, tmp_path / "board.json", "--workers", str(workers))
    assert board["events"] == {
        "applied": 28_021,
        "duplicate": 0,
        "dead_letter": 0,
        "expired": 0,
        "not_yet": 0,
    }
    rates, times = rows_of(board, "approval_rate"), rows_of(board, "turnaround_time")
    wanted = by_officer()
    assert rates.keys() == times.keys() == wanted.keys()
    for officer, counted in wanted.items():
        assert (rates[officer]["numerator"], rates[officer]["denominator"]) == (
            counted["approved"],
            counted["decided"],
        )
        assert (times[officer]["n"], times[officer]["sum"]) == (counted["decided"], counted["sum"])


def test_the_recount_gives_the_publishers_totals() -> None:
    counted = by_officer()
    withdrawn = sum(row["activity"] == "A_CANCELLED" for row in log())
    bank = counted[""]
    assert (bank["approved"], bank["decided"] - bank["approved"], withdrawn) == (2_246, 7_635, 2_807)
    assert sum(row["activity"] == "A_SUBMITTED" for row in log()) - bank["decided"] - withdrawn == 399
    officers = {name: own for name, own in counted.items() if name}
    assert len(officers) == 59
    assert sum(own["approved"] > 0 for own in officers.values()) == 9
