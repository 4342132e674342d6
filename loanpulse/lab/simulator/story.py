"""Stories: what happens to one case, with the stories that follow from it; and the world they are told in."""

from collections.abc import Callable
from itertools import count, pairwise
from math import sin, tau
from random import Random
from typing import Any, NamedTuple

from loanpulse.lab.simulator.cast import CHANNELS, Cast, Officer
from loanpulse.lab.simulator.hours import DAY, HOUR, Hours

Data = dict[str, Any]

_BUSY_CYCLE_DAYS = 23
_REMEMBERED = 20_000
# Hours of the day at which clients act, out of 100.
_CLIENT_HOURS = (1, 0, 0, 0, 0, 0, 1, 3, 6, 9, 10, 9, 8, 7, 7, 7, 6, 5, 5, 6, 5, 3, 1, 1)
_CLIENT_CLOCK = [hour for hour, share in enumerate(_CLIENT_HOURS) for _ in range(share)]


class Happening(NamedTuple):
    """One fact before it is an event. A `due_at` in data is UTC ms here."""

    at: int
    type: str
    subject: str
    data: Data


class Story:
    """The happenings of one case, and what is told later because of it."""

    __slots__ = ("happenings", "sequels")

    def __init__(self) -> None:
        self.happenings: list[Happening] = []
        self.sequels: list[tuple[int, Opening]] = []

    def tell(self, at: int, event_type: str, subject: str, data: Data) -> None:
        """Something happens to a case."""
        self.happenings.append(Happening(at, event_type, subject, data))

    def then(self, at: int, opening: "Opening") -> None:
        """Another story begins at an instant."""
        self.sequels.append((at, opening))


class World:
    """What all stories share: chance, working time, the cast, the clients, and numbers for new cases."""

    def __init__(self, rng: Random, hours: Hours, cast: Cast) -> None:
        self.rng, self.hours, self.cast = rng, hours, cast
        self._numbers = count(1)
        self._clients: list[str] = []
        self._phase = {officer.branch: rng.random() for officer in cast.officers}

    def number(self, prefix: str) -> str:
        """An id that no other case has."""
        return f"{prefix}-{next(self._numbers):07}"

    def new_client(self) -> str:
        """A client who is heard of for the first time."""
        client = self.number("c")
        if len(self._clients) < _REMEMBERED:
            self._clients.append(client)
        else:
            self._clients[self.rng.randrange(_REMEMBERED)] = client
        return client

    def client(self, known: float) -> str:
        """A client who is with this probability one that the lender knows."""
        if self._clients and self.rng.random() < known:
            return self.rng.choice(self._clients)
        return self.new_client()

    def client_time(self, day: int) -> int:
        """A moment of a local day at which a client might act."""
        rng = self.rng
        return self.hours.local_midnight(day) + int((rng.choice(_CLIENT_CLOCK) + rng.random()) * HOUR)

    def client_reacts(self, at: int, days: float) -> int:
        """When a client acts who needs about so many days, weekends and evenings included."""
        later = at + int(self.rng.expovariate(1 / days) * DAY)
        return max(at + 60_000, self.client_time(self.hours.local_day(later)))

    def staff_acts(self, at: int, hours: float, spread: float = 0.6) -> int:
        """When the staff gets to it: working hours, a log-normal around the median."""
        return self.hours.after(at, self.rng.lognormvariate(0.0, spread) * hours * HOUR)

    def officer_acts(self, officer: Officer, at: int, hours: float, spread: float = 0.6) -> int:
        """When an officer gets to it: by talent, and by how busy the branch is these weeks."""
        cycle = at / (_BUSY_CYCLE_DAYS * DAY) + self._phase[officer.branch]
        return self.staff_acts(at, hours * officer.pace * (1 + 0.2 * sin(tau * cycle)), spread)

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def score(self, mean: float, spread: float, low: int, high: int) -> int:
        """A whole score around a mean, cut off at the ends of its scale."""
        return min(high, max(low, round(self.rng.gauss(mean, spread))))

    def channel(self) -> str:
        return self.rng.choice(CHANNELS)


Opening = Callable[[World, int], Story]
"""Begins a story at an instant."""


def retimed(story: Story, anchor: int, now: int, hours: Hours) -> list[Happening]:
    """The story's happenings, moved so that the one at `anchor` happens now and all keep their working-time distances.

    Distances up to an hour stay as they are. So a decision at night follows a file that was worked on by day.
    """
    told = sorted(story.happenings, key=lambda happening: happening.at)
    shift = hours.worked(now) - hours.worked(told[anchor].at)
    times = [hours.when(hours.worked(happening.at) + shift) for happening in told]
    gaps = [after.at - before.at for before, after in pairwise(told)]
    times[anchor] = now
    for place in range(anchor - 1, -1, -1):
        gap = gaps[place]
        times[place] = times[place + 1] - gap if gap <= HOUR else min(times[place], times[place + 1] - HOUR)
    for place in range(anchor, len(told) - 1):
        gap = gaps[place]
        times[place + 1] = times[place] + gap if gap <= HOUR else max(times[place + 1], times[place] + HOUR)
    return [_moved(happening, at) for happening, at in zip(told, times, strict=True)]


def _moved(happening: Happening, at: int) -> Happening:
    data = happening.data
    if "due_at" in data:
        data = data | {"due_at": data["due_at"] + at - happening.at}
    return happening._replace(at=at, data=data)
