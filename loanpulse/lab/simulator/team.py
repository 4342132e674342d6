"""What the staff does beside the files: tests, training, requests, reports, ideas."""

from collections.abc import Callable
from functools import partial

from loanpulse.lab.simulator.cast import Officer
from loanpulse.lab.simulator.hours import DAY
from loanpulse.lab.simulator.story import Data, Story, World

_SEVERITIES = ("low", "low", "low", "medium", "medium", "high", "critical")


def once(
    world: World, at: int, *, event_type: str, prefix: str, fields: Callable[[World, Officer], Data]
) -> Story:
    """A story of one happening: an officer and some fields."""
    story, officer = Story(), _anyone(world)
    story.tell(at, event_type, world.number(prefix), _named(officer) | fields(world, officer))
    return story


def training(world: World, at: int) -> Story:
    """A course with a due date; most complete it, some too late, some never; a few attend unasked."""
    story, officer = Story(), _anyone(world)
    number, due = world.number("T"), at + 30 * DAY
    unasked = world.chance(0.04)
    if not unasked:
        course = {"due_at": due, "regulatory": world.chance(0.4)}
        story.tell(at, "training.assigned", number, _named(officer) | course)
    if unasked or world.chance(0.95):
        completed = world.staff_acts(at + DAY, hours=80, spread=0.45)
        rating = {"rating": world.score(4.4, 0.8, 1, 5)} if world.chance(0.8) else {}
        story.tell(completed, "training.completed", number, _named(officer) | rating)
    return story


def regulation(world: World, at: int) -> Story:
    """A rule to be put into practice within 45 days."""
    story, officer, number = Story(), _anyone(world), world.number("G")
    story.tell(at, "regulation.issued", number, _named(officer) | {"due_at": at + 45 * DAY})
    if world.chance(0.98):
        implemented = world.staff_acts(at, hours=110, spread=0.45)
        story.tell(implemented, "regulation.implemented", number, _named(officer))
    return story


def team_request(world: World, at: int) -> Story:
    """A colleague asks."""
    story, officer, number = Story(), _anyone(world), world.number("X")
    story.tell(at, "team_request.received", number, _named(officer))
    if world.chance(0.97):
        answered = world.officer_acts(officer, at, hours=2.5, spread=0.8)
        story.tell(answered, "team_request.answered", number, _named(officer))
    return story


def report(world: World, at: int) -> Story:
    """A report, rated by those who read it; one in fifty is corrected."""
    story, officer, number = Story(), _anyone(world), world.number("R")
    story.tell(at, "report.published", number, _named(officer))
    if world.chance(0.02 * officer.care):
        story.tell(world.staff_acts(at, hours=16), "report.corrected", number, _named(officer))
    if world.chance(0.4):
        score = {"score": world.score(4.3 + officer.charm, 0.7, 1, 5)}
        rated = world.staff_acts(at, hours=12)
        story.tell(rated, "stakeholder.rated", world.number("H"), _named(officer) | score)
    return story


def recommendation(world: World, at: int) -> Story:
    """An idea to improve the work; two in three are put into practice, some after more than 90 days."""
    story, officer, number = Story(), _anyone(world), world.number("I")
    story.tell(at, "recommendation.made", number, _named(officer))
    if world.chance(0.68):
        story.tell(world.staff_acts(at, hours=200), "recommendation.implemented", number, _named(officer))
    return story


def _anyone(world: World) -> Officer:
    return world.rng.choice(world.cast.officers)


def _named(officer: Officer) -> Data:
    return {"officer_id": officer.id, "branch_id": officer.branch}


knowledge = partial(
    once,
    event_type="knowledge.tested",
    prefix="E",
    fields=lambda world, officer: {"score": world.score(87.5 + 20 * officer.charm, 8, 0, 100)},
)
audit = partial(
    once,
    event_type="audit.completed",
    prefix="A",
    fields=lambda world, officer: {"score": world.score(95 - 3 * officer.care, 4, 0, 100)},
)
forecast = partial(
    once,
    event_type="forecast.resolved",
    prefix="F",
    fields=lambda world, _officer: {"accurate": world.chance(0.79)},
)
violation = partial(
    once,
    event_type="violation.recorded",
    prefix="Y",
    fields=lambda world, _officer: {"severity": world.rng.choice(_SEVERITIES)},
)
peer_rating = partial(
    once,
    event_type="peer.rated",
    prefix="J",
    fields=lambda world, officer: {"score": world.score(4.35 + officer.charm, 0.75, 1, 5)},
)
skill = partial(
    once,
    event_type="skill.assessed",
    prefix="Z",
    fields=lambda world, _officer: {"applied": world.chance(0.76)},
)
certification = partial(
    once, event_type="certification.obtained", prefix="B", fields=lambda _world, _officer: {}
)
session = partial(
    once, event_type="training_session.conducted", prefix="M", fields=lambda _world, _officer: {}
)
initiative = partial(once, event_type="initiative.launched", prefix="U", fields=lambda _world, _officer: {})
