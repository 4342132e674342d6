"""The other side of the comparison: one KPI as Faust's documentation would have it written, and nothing of ours.

Turnaround by officer, from submission to decision: n and the sum of seconds in windows of an hour. The agent gets one
typed record at a time; the submission's time waits in a table, the tally is a windowed table by the event's own time.
Both tables are kept in memory and in changelog topics. What it leaves out, and LoanPulse does: the other 48 measures,
corrections and retractions, late and repeated events, business calendars, longer windows, percentiles, exactly once.

Run by `bench.apart` as `python -m bench.stock_faust worker`; it prints its figures once it has seen all events.
"""

import json
import os
import sys
import time
from datetime import datetime, timedelta

import faust


class Data(faust.Record):
    """The members that the KPI reads."""

    customer_id: str
    officer_id: str | None = None
    outcome: str | None = None


class LoanEvent(faust.Record, serializer="json"):
    """A CloudEvent about a loan or its application."""

    id: str
    type: str
    time: str
    subject: str
    data: Data


app = faust.App(
    os.environ.get("BENCH_GROUP", "stock"),
    broker=f"kafka://{os.environ.get('BENCH_KAFKA', '127.0.0.1:9092')}",
    store="memory://",
    datadir=os.environ.get("BENCH_DATADIR", ".loanpulse/stock"),
    topic_partitions=int(os.environ.get("BENCH_PARTITIONS", "4")),
    topic_replication_factor=1,
    web_enabled=False,
)
topic = app.topic(os.environ.get("BENCH_TOPIC", "loan-events"), key_type=bytes, value_type=LoanEvent)
submitted = app.Table("submitted", default=str)
turnaround = (
    app.Table("turnaround", default=lambda: [0, 0.0])
    .tumbling(timedelta(hours=1), expires=timedelta(days=180))
    .relative_to_field(LoanEvent.time)  # type: ignore[arg-type]  # on the class it is a descriptor
)

_EVENTS = int(os.environ.get("BENCH_EVENTS", "0"))
_begun: list[float] = []
_seen = _decided = 0


@app.agent(topic)
async def measure(events: faust.StreamT[LoanEvent]) -> None:
    """The KPI."""
    global _decided
    async for event in events:
        if event.type == "application.submitted":
            submitted[event.subject] = event.time
        elif event.type == "application.decided" and event.subject in submitted:
            length = datetime.fromisoformat(event.time) - datetime.fromisoformat(submitted[event.subject])
            officer = event.data.officer_id or "unassigned"
            n, total = turnaround[officer].value()
            turnaround[officer] = [n + 1, total + length.total_seconds()]
            _decided += 1
        _tell()


def _tell() -> None:
    """The figures of the bench, not of the KPI: CPU and wall time from the first event to the last."""
    global _seen
    if not _seen:
        _begun[:] = time.process_time(), time.monotonic()
    _seen += 1
    if _seen == _EVENTS:
        cpu, wall = time.process_time() - _begun[0], time.monotonic() - _begun[1]
        figures = {
            "events": _seen,
            "decided": _decided,
            "events/s": _seen / wall,
            "events/s a core": _seen / cpu,
            "worker µs": 1e6 * cpu / _seen,
        }
        print(json.dumps(figures), file=sys.__stdout__, flush=True)  # Faust logs what goes to sys.stdout


if __name__ == "__main__":
    app.main()
