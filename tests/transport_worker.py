"""A worker as a process of its own: `python -m tests.transport_worker <job as JSON>`, ended by a signal."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from aiokafka import ConsumerRecord
from faust.types import TP

from streams.runtime.app import create_app, run
from streams.runtime.settings import Settings
from tests.transport_lab import SqliteProcessor


class Job(msgspec.Struct):
    """`hold`: seconds that each batch takes; `entered`: a file that is made when the first one begins."""

    database: str
    settings: dict[str, str]
    hold: float = 0.0
    entered: str = ""


def note_entry(entered: str) -> None:
    if entered:
        Path(entered).touch()


def main(job: Job) -> None:
    async def before(tp: TP, records: Sequence[ConsumerRecord]) -> None:
        note_entry(job.entered)
        await asyncio.sleep(job.hold)

    settings = Settings.model_validate(job.settings)
    run(create_app(settings, SqliteProcessor(Path(job.database), before)), "warning")


if __name__ == "__main__":
    main(msgspec.json.decode(sys.argv[1], type=Job))
