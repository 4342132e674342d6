"""How much happens on which day: the rate of each kind of story, the week, the month's end, the seasons."""

from collections.abc import Iterable, Iterator
from datetime import date
from functools import partial
from math import cos, sqrt, tau
from typing import NamedTuple

from loanpulse.lab.simulator import contact, origination, servicing, team
from loanpulse.lab.simulator.hours import WORKDAY
from loanpulse.lab.simulator.story import Opening, World


class Kind(NamedTuple):
    """One kind of story, and how many begin on an average Wednesday at scale 1."""

    opening: Opening
    a_day: float
    by_client: bool
    """Clients act at all hours, weekends too; the staff in working hours."""


KINDS = (
    Kind(origination.lead, 75, True),
    Kind(origination.offer, 22, False),
    Kind(origination.application, 19, True),
    Kind(contact.query, 120, True),
    Kind(contact.complaint, 8, True),
    Kind(team.team_request, 28, False),
    Kind(team.report, 11, False),
    Kind(team.peer_rating, 5, False),
    Kind(team.training, 7, False),
    Kind(team.forecast, 5, False),
    Kind(team.knowledge, 3, False),
    Kind(team.skill, 3, False),
    Kind(team.audit, 2, False),
    Kind(team.regulation, 1.5, False),
    Kind(team.session, 1.6, False),
    Kind(team.recommendation, 1.5, False),
    Kind(team.initiative, 0.7, False),
    Kind(team.certification, 0.4, False),
    Kind(team.violation, 0.35, False),
)
BEFORE_HISTORY = (
    (Kind(origination.lead, 75, True), 60),
    (Kind(origination.offer, 22, False), 90),
    (Kind(team.recommendation, 1.5, False), 90),
)
"""What was still open when the history begins, and the days that it stays open: conversions need their losers."""

JOINING = (
    *KINDS,
    Kind(origination.application, 26, True),
    Kind(partial(servicing.acquired, again=origination.application), 180, False),
)
"""What may join a live lender: also the applications that come of leads, and loans that are reported on."""

_WEEK_OF_CLIENTS = (1.25, 1.1, 1.0, 0.95, 0.9, 0.4, 0.3)
_WEEK_OF_STAFF = (1.05, 1.05, 1.0, 1.0, 0.9, 0.0, 0.0)
_SPRING_PEAK = 120
_MONTH_END = 27


def openings(
    world: World, day: int, scale: float, kinds: Iterable[Kind] = KINDS
) -> Iterator[tuple[int, Opening]]:
    """The stories that begin on a local day, each with its instant."""
    for kind in kinds:
        mean = kind.a_day * scale * busy(day, kind.by_client)
        for _ in range(_drawn(world, mean)):
            yield _begin(world, day, kind), kind.opening


def busy(day: int, by_client: bool) -> float:
    """How much happens on a local day against an average Wednesday."""
    when = date.fromordinal(day + date(1970, 1, 1).toordinal())
    week = (_WEEK_OF_CLIENTS if by_client else _WEEK_OF_STAFF)[when.weekday()]
    season = 1 + 0.12 * cos(tau * (when.timetuple().tm_yday - _SPRING_PEAK) / 365)
    return week * season * (1.15 if when.day >= _MONTH_END else 1.0)


def _begin(world: World, day: int, kind: Kind) -> int:
    if kind.by_client:
        return world.client_time(day)
    opening = world.hours.after(world.hours.local_midnight(day), 0)
    return opening + world.rng.randrange(WORKDAY)


def _drawn(world: World, mean: float) -> int:
    """A Poisson draw, near enough: by its two moments where the mean is large, by chance where it is small."""
    if mean >= 4:
        return max(0, round(world.rng.gauss(mean, sqrt(mean))))
    whole = int(mean)
    return whole + (world.rng.random() < mean - whole)
