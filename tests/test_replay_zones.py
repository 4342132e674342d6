"""A replay through real Kafka, Redis and workers of a stream with every nasty case, at the turn of a quarter in each zone."""

import json
from pathlib import Path

import pytest

from loanpulse.board.snapshot import iso
from loanpulse.lab.kafka_server import Kafka
from loanpulse.lab.replay import Options, replay
from streams.runtime.settings import load_settings
from tests.engine import organisation_document
from tests.nasty_boards import SEED, ZONES, assert_equal, crowded
from tests.oracle.recount import recount

pytestmark = [pytest.mark.servers, pytest.mark.slow]


@pytest.mark.parametrize("zone", ZONES)
def test_its_board_is_the_recounts(zone: str, kafka: Kafka, redis_url: str, tmp_path: Path) -> None:
    story = crowded(SEED, zone, ZONES[zone])
    at = story.looked_from[0]
    file, config = tmp_path / "events.jsonl", tmp_path / "organisation.json"
    file.write_text("".join(json.dumps(event) + "\n" for event in story.arrival))
    config.write_text(json.dumps(organisation_document(story.chosen)))
    settings = load_settings(
        {},
        kafka=kafka.bootstrap,
        redis=redis_url,
        home=str(tmp_path / "home"),
        tz=zone,
        as_of=iso(at),
        config=str(config),
    )
    result = replay(Options(file, workers=2), settings, lambda _stage, _done, _events: None)
    assert_equal(result["rows"], recount(story.arrival, at, **story.chosen))
