"""The lender: its history as it arrived, and how it lives on.

**History** is told day by day at a natural pace: 12 branches, 120 officers, some 900 events a day at scale 1, clients
at all hours, staff in working hours. It opens with what the lender had: the loans of the nine months before, and
leads, offers and recommendations that are still open, loaded at once with their true old times.

**Live**, such a lender would show one event in one or two minutes, and hardly any outside working hours: nothing to
watch. So the live lender is as many times larger as the wanted rate asks for, and works round the clock. Of the files
that its new branches bring along, each joins in the middle of its life: what happened so far arrives late, with its true
old times; one event happens now; the rest follows in natural time, days later. So every event is dated when it
happened, never in the future, durations and rates are those of the history, all windows move, the short ones by what
happens now, the long ones by what arrives late as well, and it can go on for as long as one likes.
"""

from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import accumulate
from random import Random
from typing import NamedTuple

from loanpulse.lab.simulator.cast import SCORING_SYSTEM, Cast
from loanpulse.lab.simulator.disorder import Disorder, Event, Statement, written
from loanpulse.lab.simulator.hours import DAY, WORKDAY, Hours
from loanpulse.lab.simulator.origination import application
from loanpulse.lab.simulator.rhythm import BEFORE_HISTORY, JOINING, openings
from loanpulse.lab.simulator.servicing import book
from loanpulse.lab.simulator.story import Opening, Story, World, retimed

_EVENTS_PER_SECOND = 0.0107
_BOOK_LOANS = 4_100
_BOOK_DAYS = 270
_JOINING_WEIGHTS = list(accumulate(kind.a_day for kind in JOINING))
_LONGEST_STORY = 14
_MOST_AWAITED = 100_000
"""Events of the future that the live lender keeps in mind; some 100 MB. Beyond, new files come without their future."""


class Arrival(NamedTuple):
    """An event and when it arrives, UTC ms."""

    at: int
    event: Event


class Lender:
    """A lender, the same for the same seed, zone and scale; `scale` multiplies clients and events, not the staff."""

    def __init__(self, seed: int, zone: str = "UTC", scale: float = 1.0) -> None:
        self.seed, self.zone, self.scale = seed, zone, scale

    @property
    def natural_rate(self) -> float:
        """Events a second, averaged over weeks."""
        return _EVENTS_PER_SECOND * self.scale

    def course(self, start_ms: int) -> "Course":
        """The lender from an instant on, to be told once."""
        return Course(self, start_ms)

    def history(self, start_ms: int, end_ms: int) -> Iterator[Arrival]:
        """All that arrives in [start, end), in order of arrival."""
        return self.course(start_ms).until(end_ms)

    def organisation(self) -> dict[str, object]:
        """The organisation file that suits this lender."""
        week = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
        return {
            "tz": self.zone,
            "calendar": {"tz": self.zone, "weekly": week},
            "system_users": [SCORING_SYSTEM],
        }


class Course:
    """One telling of a lender's life: `until` an instant, and from there `live`."""

    def __init__(self, lender: Lender, start_ms: int) -> None:
        rng = Random(f"{lender.seed}/{start_ms}")  # noqa: S311  # chance in a simulation, no secret
        self._scale, self._rng, self._hours = lender.scale, rng, Hours(lender.zone)
        cast = Cast(Random(lender.seed))  # noqa: S311
        self._world = World(rng, self._hours, cast)
        self._disorder = Disorder(rng)
        self._start = self._reached = start_ms
        self._next_day = self._hours.local_day(start_ms)
        self._agenda: list[tuple[int, int, Opening]] = []
        self._awaited: list[Statement] = []
        self._number = 0
        self._load_book()

    def until(self, end_ms: int) -> Iterator[Arrival]:
        """What arrives from where the course stands to `end_ms`, excluded."""
        while self._reached < end_ms:
            step = min(end_ms, self._hours.local_midnight(self._hours.local_day(self._reached) + 1))
            self._reached = step if step > self._reached else end_ms
            self._begin_stories(self._reached)
            while self._awaited and self._awaited[0].arrival < self._reached:
                statement = heappop(self._awaited)
                yield Arrival(statement.arrival, written(statement))

    def live(self, rate: float) -> Iterator[Arrival]:
        """Without end: `rate` events a second, evenly spaced from where the course stands."""
        begun, ticks = self._reached, 0
        while True:
            ticks += 1
            self._reached = now = begun + int(ticks * 1000 / rate)
            self._begin_stories(now + 1)
            if not self._awaited or self._awaited[0].arrival > now:
                self._join(now)
            yield Arrival(now, written(heappop(self._awaited)))

    def _load_book(self) -> None:
        """What the lender already has: loans at an even pace over the months before, and what is still open."""
        for kind, days in BEFORE_HISTORY:
            for day in range(self._next_day - days, self._next_day):
                for at, opening in openings(self._world, day, self._scale, (kind,)):
                    self._note(at, opening)
        count = int(_BOOK_LOANS * self._scale)
        for place in range(count):
            funded_at = self._start - DAY - (count - place) * _BOOK_DAYS * DAY // count
            self._tell(
                book(
                    self._world,
                    self._hours.after(funded_at, -1 - self._rng.randrange(WORKDAY)),
                    self._start,
                    application,
                )
            )

    def _begin_stories(self, end: int) -> None:
        """Tell all stories that begin before an instant."""
        while self._next_day <= self._hours.local_day(end - 1):
            for at, opening in openings(self._world, self._next_day, self._scale):
                if at >= self._start:
                    self._note(at, opening)
            self._next_day += 1
        while self._agenda and self._agenda[0][0] < end:
            at, _, opening = heappop(self._agenda)
            self._tell(opening(self._world, at))

    def _tell(self, story: Story) -> None:
        for happening in story.happenings:
            for statement in self._disorder.statements(happening, self._start):
                heappush(self._awaited, statement)
        for at, opening in story.sequels:
            self._note(at, opening)

    def _note(self, at: int, opening: Opening) -> None:
        self._number += 1
        heappush(self._agenda, (at, self._number, opening))

    def _join(self, now: int) -> None:
        """A file joins in the middle of its life, one of its events happening now."""
        story = self._joining(now)
        anchor = self._rng.randrange(len(story.happenings))
        moved = retimed(story, anchor, now, self._hours)
        forgetful = len(self._awaited) > _MOST_AWAITED
        for happening in moved:
            if happening.at <= now:
                heappush(self._awaited, self._disorder.late(happening, now))
            elif not forgetful:
                for statement in self._disorder.statements(happening, now):
                    heappush(self._awaited, statement)
        if not forgetful:
            shift = now - min(happening.at for happening in story.happenings)
            for at, follow in story.sequels:
                self._note(max(now, at + shift), follow)

    def _joining(self, now: int) -> Story:
        """A story, the likelier the more happens in it: each of its events is as likely to be the one of now."""
        while True:
            (kind,) = self._rng.choices(JOINING, cum_weights=_JOINING_WEIGHTS)
            story = kind.opening(self._world, now)
            if self._rng.randrange(_LONGEST_STORY) < len(story.happenings):
                return story
