"""The simulated lender goes on: its present at a pace, as a process of its own that runs until it is ended."""

import sys
import time

from bench.workload import lender_of
from loanpulse.intake.producing import Producer
from loanpulse.lab.simulator.wire import paced, records
from streams.runtime.clock import WallClock
from streams.runtime.settings import Settings


def main(settings: Settings, scale: float, start_ms: int, rate: float) -> None:
    """Send what comes after the past that began at `start_ms`, which the ledgers hold already."""
    course = lender_of(scale).course(start_ms)
    clock = WallClock()
    for _ in course.until(clock.now_ms()):
        pass
    with Producer(str(settings.kafka), prefix=settings.topic_prefix) as producer:
        for raw in records(paced(course.live(rate), clock.now_ms, time.sleep)):
            producer.send(raw)


if __name__ == "__main__":
    main(Settings.model_validate_json(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
