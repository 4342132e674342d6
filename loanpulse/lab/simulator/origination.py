"""How a loan comes about: leads, offers, and the application's way to a decision and to the money."""

from dataclasses import dataclass
from functools import partial
from itertools import count

from loanpulse.lab.simulator.cast import NEW_PRODUCTS, SCORING_SYSTEM, Officer, Product
from loanpulse.lab.simulator.contact import rated, surveyed
from loanpulse.lab.simulator.hours import DAY, HOUR, MINUTE
from loanpulse.lab.simulator.servicing import MONTH, Loan, funded, month, new_loan
from loanpulse.lab.simulator.story import Data, Story, World

_APPROVED = {"A": 0.97, "B": 0.93, "C": 0.83, "D": 0.5, "E": 0.16}
_DEFAULT_BP = {"A": 60, "B": 150, "C": 380, "D": 1_400, "E": 3_600}
_STAGES = ("intake", "review", "underwriting", "approval")


def lead(world: World, at: int) -> Story:
    """Someone who may want a loan; a quarter is referred by another client, more than a fifth become applications."""
    story, officer = Story(), world.cast.officer(world.rng)
    client, number, product = world.client(known=0.15), world.number("D"), world.cast.product(world.rng)
    data: Data = {
        "customer_id": client,
        "branch_id": officer.branch,
        "product": product.id,
        "channel": world.channel(),
    }
    if world.chance(0.9):
        data["officer_id"] = officer.id
    if world.chance(0.24):
        data["referred_by"] = world.client(known=1.0)
    story.tell(at, "lead.created", number, data)
    if world.chance(0.33):
        later = world.client_reacts(at, days=6)
        story.then(
            later, partial(application, client=client, product=product, officer=officer, lead_id=number)
        )
    return story


def offer(world: World, at: int) -> Story:
    """A product shown to a client, mostly a new one; one in four wants it."""
    story, officer = Story(), world.cast.officer(world.rng)
    client, product = world.client(known=0.9), world.rng.choice(NEW_PRODUCTS)
    is_new = world.chance(0.85)
    data = {
        "customer_id": client,
        "officer_id": officer.id,
        "branch_id": officer.branch,
        "product": product.id,
        "channel": world.channel(),
        "new_product": is_new,
    }
    story.tell(at, "product.offered", world.number("P"), data)
    if world.chance(0.26):
        later = world.client_reacts(at, days=12)
        story.then(later, partial(application, client=client, product=product, officer=officer))
    return story


def application(
    world: World,
    at: int,
    *,
    client: str | None = None,
    product: Product | None = None,
    officer: Officer | None = None,
    lead_id: str | None = None,
) -> Story:
    """One loan file, from the submission on."""
    officer = officer or world.cast.officer(world.rng)
    product = product or world.cast.product(world.rng)
    client = client or world.client(known=0.2)
    loan = new_loan(world, world.number("L"), client, officer, product, world.channel())
    file = _File(world, Story(), loan, officer, count(1))
    file.submitted(at)
    if world.chance(0.07):
        file.declined_at_once(at)
        return file.story
    ready = file.worked_on(at)
    if world.chance(0.08):
        file.withdrawn(world.client_reacts(at, days=2))
        return file.story
    decided, approved = file.decided(ready)
    file.looked_over(decided)
    if approved and world.chance(0.93):
        file.paid_out(decided, lead_id)
    elif world.chance(0.1):
        rated(world, file.story, decided, officer, loan.data, 3.6)
    return file.story


@dataclass(slots=True)
class _File:
    """A loan file while its story is told."""

    world: World
    story: Story
    loan: Loan
    officer: Officer
    numbers: "count[int]"

    def tell(self, at: int, event_type: str, **fields: object) -> None:
        """A happening that names the client only, as a document scanner does."""
        self.story.tell(at, event_type, self.loan.number, {"customer_id": self.loan.client, **fields})

    def attributed(self, at: int, event_type: str, **fields: object) -> None:
        """A happening that names officer, branch, product and channel."""
        self.story.tell(at, event_type, self.loan.number, self.loan.data | fields)

    def submitted(self, at: int) -> None:
        loan, documents = self.loan, {}
        if self.world.chance(0.93):
            required = self.world.rng.randint(4, 12)
            missing = 0 if self.world.chance(0.68) else self.world.rng.randint(1, 3)
            documents = {"documents_required": required, "documents_accepted": required - missing}
        amount = {"amount_minor": loan.outstanding_minor, "currency": loan.currency}
        self.attributed(at, "application.submitted", **documents, **amount)

    def declined_at_once(self, at: int) -> None:
        """By the scoring system, round the clock."""
        fields: Data = {"outcome": "declined", "grade": "E", "default_probability_bp": 4_500}
        moment = at + self.world.rng.randint(15_000, 90_000)
        self.attributed(moment, "application.decided", **fields | {"officer_id": SCORING_SYSTEM})

    def worked_on(self, at: int) -> int:
        """Assignment, documents, a hold; returns when nothing is owed any more."""
        world, officer = self.world, self.officer
        ready = world.staff_acts(at, hours=0.8)
        self.attributed(ready, "application.assigned", stage=_STAGES[0])
        if world.chance(0.45):
            ready = self._paused(ready, 5, "documents", ("requested", "received"), "request_id")
        if world.chance(0.3):
            ready = world.officer_acts(officer, ready, hours=3)
            self.attributed(ready, "application.assigned", stage=world.rng.choice(_STAGES[1:]))
        if world.chance(0.08):
            ready = self._paused(ready, 8, "application", ("held", "resumed"), "hold_id")
        return ready

    def _paused(self, after: int, hours: float, subject: str, names: tuple[str, str], field: str) -> int:
        """A pause of a day or so, begun some working hours later; the client forgets one in thirty."""
        number = f"{self.loan.number}-{next(self.numbers)}"
        begun = self.world.officer_acts(self.officer, after, hours)
        ended = self.world.client_reacts(begun, days=1.2)
        self.tell(begun, f"{subject}.{names[0]}", **{field: number})
        if self.world.chance(0.97):
            self.tell(ended, f"{subject}.{names[1]}", **{field: number})
        return ended

    def withdrawn(self, at: int) -> None:
        self.attributed(at, "application.decided", outcome="withdrawn")

    def decided(self, ready: int) -> tuple[int, bool]:
        """The check and the decision; one refusal in sixty is reversed on appeal."""
        world, loan = self.world, self.loan
        decided = world.officer_acts(self.officer, ready, hours=12, spread=0.55)
        if world.chance(0.92):
            passed = world.chance(1 - 0.013 * self.officer.care)
            moment = max(ready + MINUTE, decided - world.rng.randrange(2 * HOUR))
            self.attributed(moment, "compliance.checked", check_id=f"{loan.number}-c1", passed=passed)
        approved = world.chance(_APPROVED[loan.grade])
        self._decide(decided, approved)
        if not approved and world.chance(0.016):
            decided, approved = world.officer_acts(self.officer, decided + 2 * DAY, hours=6), True
            self._decide(decided, approved)
        return decided, approved

    def _decide(self, at: int, approved: bool) -> None:
        grade = self.loan.grade
        fields: Data = {"outcome": "approved" if approved else "declined"}
        if self.world.chance(0.95):
            fields["grade"] = grade
            fields["default_probability_bp"] = int(_DEFAULT_BP[grade] * self.world.rng.uniform(0.7, 1.3))
        self.attributed(at, "application.decided", **fields)

    def looked_over(self, decided: int) -> None:
        """Errors, found by a colleague before or an audit after the decision."""
        if self.world.chance(0.018 * self.officer.care):
            found = self.world.staff_acts(decided, hours=30, spread=1.0)
            if self.world.chance(0.3):
                found = decided - 30 * MINUTE
            self.tell(found, "application.error_found", error_id=f"{self.loan.number}-e{next(self.numbers)}")

    def paid_out(self, decided: int, lead_id: str | None) -> None:
        """The money leaves, the client is asked how it was, and the loan is serviced from now on."""
        world, loan = self.world, self.loan
        paid = world.staff_acts(decided, hours=9)
        more = {} if lead_id is None else {"lead_id": lead_id}
        self.story.tell(paid, "loan.funded", loan.number, funded(loan, **more))
        surveyed(world, self.story, paid, self.officer, loan.data)
        self.story.then(paid + MONTH, partial(month, loan=loan, again=application))
