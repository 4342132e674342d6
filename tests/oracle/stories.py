"""What happens in one case, told as valid events: every kind of case, with its awkward turns."""

from collections.abc import Callable, Iterator

from tests.oracle.facts import STAFF, TYPES, time_ms
from tests.oracle.speaker import Event, Speaker
from tests.oracle.windows import DAY_MS, HOUR_MS

Story = Callable[[Speaker], Iterator[Event]]
ALONE = sorted(
    name
    for name, row in TYPES.items()
    if row.topic == STAFF and sum(other.kind == row.kind for other in TYPES.values()) == 1
)
LEAD_MS, CHANCE_MS, LIMIT_MS = 60 * DAY_MS, 90 * DAY_MS, 56 * DAY_MS
TARGET_MS = {"query.received": 4 * HOUR_MS, "team_request.received": 8 * HOUR_MS}
WEEK_MS = 7 * DAY_MS
"""Five business days, where no holiday and no pause is among them."""
SURVEYS = ("satisfaction.rated", "nps.answered", "recommendation.rated", "review.posted")


def loan(s: Speaker) -> Iterator[Event]:
    """A loan file and its loan. Any step may be missing; errors, assignments and reports come at any time."""
    key, subject, rng, later = s.customer(), s.subject("loan"), s.rng, s.instants.after
    begun = s.instants.draw()
    if rng.random() < 0.9:
        yield s.event("application.submitted", key, subject, begun)
    decided = _settled(s, begun, begun + WEEK_MS)
    yield from _work(s, key, subject, begun, decided)
    if rng.random() < 0.85:
        yield s.event("application.decided", key, subject, decided)
        if rng.random() < 0.2:
            yield s.event("application.decided", key, subject, later(decided))
    if rng.random() < 0.6:
        funded = later(decided)
        yield s.event("loan.funded", key, subject, funded)
        yield from _servicing(s, key, subject, funded)
    elif rng.random() < 0.2:
        yield from _servicing(s, key, subject, decided)


def _work(s: Speaker, key: str, subject: str, begun: int, decided: int) -> Iterator[Event]:
    """Overlapping and open pauses, some from before, reassignments (some at the decision's instant), errors, checks."""
    rng, later = s.rng, s.instants.after
    for begin, end, per in (
        ("documents.requested", "documents.received", "request_id"),
        ("application.held", "application.resumed", "hold_id"),
    ):
        for n in range(rng.choice((0, 0, 1, 2))):
            at = rng.randint(min(begun, decided), max(begun, decided))
            at = s.instants.kept(begun - rng.randint(0, DAY_MS)) if rng.random() < 0.15 else at
            yield s.event(begin, key, subject, at, **{per: f"r{n}"})
            if rng.random() < 0.7:
                yield s.event(end, key, subject, later(at), **{per: f"r{n}"})
    for _ in range(rng.choice((0, 0, 1, 3))):
        at = rng.choice((begun, decided, later(begun), later(decided)))
        yield s.event("application.assigned", key, subject, at)
    for n in range(rng.choice((0, 0, 0, 1, 2))):
        yield s.event(
            "application.error_found", key, subject, later(rng.choice((begun, decided))), error_id=f"e{n}"
        )
    for n in range(rng.choice((0, 1, 2))):
        yield s.event("compliance.checked", key, subject, later(begun), check_id=f"k{n}")


def _servicing(s: Speaker, key: str, subject: str, funded: int) -> Iterator[Event]:
    """Reports, a default and a payoff, the last two sometimes in one instant; sometimes another loan after the payoff."""
    rng, later = s.rng, s.instants.after
    at = funded
    for _ in range(rng.choice((0, 1, 2, 4))):
        at = later(at)
        yield s.event("loan.status_reported", key, subject, at)
    if rng.random() < 0.4:
        yield s.event("loan.defaulted", key, subject, rng.choice((at, later(funded))))
    if rng.random() < 0.4:
        paid_off = rng.choice((at, later(at), later(funded)))
        yield s.event("loan.paid_off", key, subject, paid_off)
        if rng.random() < 0.5:
            again = _settled(s, paid_off, paid_off + CHANCE_MS)
            yield s.event("loan.funded", key, s.subject("loan"), again)


def _settled(s: Speaker, opened: int, deadline: int) -> int:
    """When a success comes: often at the deadline or one ms beside it, sometimes long after it or before the opening."""
    shape = s.rng.random()
    if shape < 0.3:
        return s.instants.kept(deadline + s.rng.choice((-1, 0, 1)))
    if shape < 0.4:
        return s.instants.kept(deadline + s.rng.randint(1, 20 * DAY_MS))
    if shape < 0.48:
        return s.instants.kept(opened - s.rng.randint(1, s.rng.choice((3, 60)) * DAY_MS))
    return s.instants.after(opened)


def lead(s: Speaker) -> Iterator[Event]:
    """A lead; often a loan that names it, at its deadline, before it, or by another customer."""
    key, subject, at = s.customer(), s.subject("lead"), s.instants.draw()
    if s.rng.random() < 0.95:
        yield s.event("lead.created", key, subject, at)
    for _ in range(s.rng.choice((0, 1, 1, 2))):
        buyer = key if s.rng.random() < 0.9 else s.customer()
        funded = _settled(s, at, at + LEAD_MS)
        yield s.event("loan.funded", buyer, s.subject("loan"), funded, lead_id=subject)


def offer(s: Speaker) -> Iterator[Event]:
    """Offers of one product to a client, one or two, and perhaps a loan of it."""
    key, at = s.customer(), s.instants.draw()
    first = s.event("product.offered", key, s.subject("offer"), at)
    yield first
    product = first["data"]["product"]
    if s.rng.random() < 0.6:
        again = s.instants.after(at)
        yield s.event("product.offered", key, s.subject("offer"), again, product=product)
    if s.rng.random() < 0.6:
        taken = _settled(s, at, at + CHANCE_MS)
        yield s.event("loan.funded", key, s.subject("loan"), taken, product=product)


def complaint(s: Speaker) -> Iterator[Event]:
    """Resolved and reopened several times, some of it in one instant, some of it without the opening."""
    key, subject, at = s.customer(), s.subject("complaint"), s.instants.draw()
    if s.rng.random() < 0.9:
        yield s.event("complaint.opened", key, subject, at)
    limit = at + s.rng.choice((LIMIT_MS, WEEK_MS))
    for n in range(s.rng.choice((0, 1, 1, 2, 3))):
        if n:
            at = s.instants.after(at)
            yield s.event("complaint.reopened", key, subject, at)
        if s.rng.random() < 0.85:
            at = _settled(s, at, limit)
            yield s.event("complaint.resolved", key, subject, at)


def _survey(name: str) -> Story:
    """An answer of a client, sometimes given again."""

    def story(s: Speaker) -> Iterator[Event]:
        key, subject, at = s.customer(), s.subject(TYPES[name].kind), s.instants.draw()
        yield s.event(name, key, subject, at)
        if s.rng.random() < 0.3:
            yield s.event(name, key, subject, s.instants.after(at))

    return story


def _alone(name: str) -> Story:
    """A fact of staff-activity that stands alone."""

    def story(s: Speaker) -> Iterator[Event]:
        yield s.event(name, s.officer(), s.subject(TYPES[name].kind), s.instants.draw())

    return story


def survey(s: Speaker) -> Iterator[Event]:
    return _survey(s.rng.choice(SURVEYS))(s)


def staff(s: Speaker) -> Iterator[Event]:
    return _alone(s.rng.choice(ALONE))(s)


def _pair(opening: str, success: str, by_customer: bool = False) -> Story:
    """An opening and a success, either of them sometimes missing, the success sometimes said twice."""

    def story(s: Speaker) -> Iterator[Event]:
        key = s.customer() if by_customer else s.officer()
        subject, at = s.subject(TYPES[opening].kind), s.instants.draw()
        if opening in TARGET_MS and s.rng.random() < 0.5:
            at = s.instants.office()
        opened = s.event(opening, key, subject, at)
        due = opened["data"].get("due_at")
        deadline = at + TARGET_MS.get(opening, CHANCE_MS) if due is None else time_ms(due)
        if s.rng.random() < 0.9:
            yield opened
        for _ in range(s.rng.choice((0, 1, 1, 1, 2))):
            yield s.event(success, key, subject, _settled(s, at, deadline))

    return story


STORIES: dict[str, Story] = {
    "loan": loan,
    "lead": lead,
    "offer": offer,
    "query": _pair("query.received", "query.answered", by_customer=True),
    "complaint": complaint,
    "survey": survey,
    "staff": staff,
    "training": _pair("training.assigned", "training.completed"),
    "regulation": _pair("regulation.issued", "regulation.implemented"),
    "team_request": _pair("team_request.received", "team_request.answered"),
    "report": _pair("report.published", "report.corrected"),
    "recommendation": _pair("recommendation.made", "recommendation.implemented"),
}

SEVERAL = 6
EVERY_STORY: tuple[Story, ...] = (
    *(story for kind, story in STORIES.items() if kind not in ("survey", "staff") for _ in range(SEVERAL)),
    *[loan] * SEVERAL * 2,
    *(_survey(name) for name in SURVEYS for _ in range(SEVERAL)),
    *(_alone(name) for name in ALONE for _ in range(SEVERAL)),
)
"""Every kind of story several times, so that each fact is there although some of them are taken back."""
FUNDINGS: tuple[Story, ...] = (offer, lead) * SEVERAL
