"""How clients speak with the lender: queries, complaints, surveys, reviews."""

from loanpulse.lab.simulator.cast import Officer
from loanpulse.lab.simulator.hours import DAY
from loanpulse.lab.simulator.story import Data, Story, World


def query(world: World, at: int) -> Story:
    """A question, mostly answered within some working hours; a few are forgotten, some answered twice."""
    story, officer = Story(), world.cast.officer(world.rng)
    client, number, channel = world.client(known=0.75), world.number("Q"), world.channel()
    asked: Data = {"customer_id": client, "channel": channel, "branch_id": officer.branch}
    if world.chance(0.8):
        asked["officer_id"] = officer.id
    story.tell(at, "query.received", number, asked)
    if world.chance(0.02):
        return story
    answered = world.officer_acts(officer, at, hours=1.0, spread=0.8)
    answer = {
        "customer_id": client,
        "officer_id": officer.id,
        "branch_id": officer.branch,
        "channel": channel,
    }
    story.tell(answered, "query.answered", number, answer)
    if world.chance(0.03):
        story.tell(world.officer_acts(officer, answered, hours=4), "query.answered", number, answer)
    if world.chance(0.07):
        rated(world, story, answered, officer, dict(answer), 4.5)
    return story


def complaint(world: World, at: int) -> Story:
    """A complaint; the client reopens one in twelve, and is then more slowly content."""
    story, officer = Story(), world.cast.officer(world.rng)
    number = world.number("K")
    data: Data = {
        "customer_id": world.client(known=0.95),
        "officer_id": officer.id,
        "branch_id": officer.branch,
        "product": world.cast.product(world.rng).id,
        "channel": world.channel(),
    }
    story.tell(at, "complaint.opened", number, data)
    resolved = world.officer_acts(officer, at, hours=13, spread=0.7)
    if world.chance(0.98):
        story.tell(resolved, "complaint.resolved", number, data)
    if world.chance(0.08):
        reopened = world.client_reacts(resolved, days=3)
        story.tell(reopened, "complaint.reopened", number, data)
        story.tell(world.officer_acts(officer, reopened, hours=10), "complaint.resolved", number, data)
    return story


def rated(world: World, story: Story, after: int, officer: Officer, data: Data, mean: float) -> None:
    """An answer to the satisfaction survey; one in thirty changes it later."""
    survey = world.number("S")
    answered = world.client_reacts(after, days=1.5)
    score = world.score(mean + officer.charm, 0.75, 1, 5)
    story.tell(answered, "satisfaction.rated", survey, data | {"score": score})
    if world.chance(0.03):
        changed = data | {"score": max(1, score - 1)}
        story.tell(answered + DAY // 3, "satisfaction.rated", survey, changed)


def surveyed(world: World, story: Story, after: int, officer: Officer, data: Data) -> None:
    """What a client says of a loan that was just paid out."""
    if world.chance(0.35):
        rated(world, story, after, officer, data, 4.65)
    if world.chance(0.22):
        score = world.score(9.0 + 2 * officer.charm, 1.6, 0, 10)
        story.tell(world.client_reacts(after, 3), "nps.answered", world.number("N"), data | {"score": score})
    if world.chance(0.15):
        score = world.score(4.5 + officer.charm, 0.8, 1, 5)
        story.tell(
            world.client_reacts(after, 2), "recommendation.rated", world.number("W"), data | {"score": score}
        )
    if world.chance(0.06):
        stars = {"stars": world.score(4.5, 0.9, 1, 5)} if world.chance(0.85) else {}
        story.tell(world.client_reacts(after, 6), "review.posted", world.number("V"), data | stars)
