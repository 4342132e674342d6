"""A loan's life after it was paid out: monthly reports, arrears and their cure, default, payoff, the client's next loan."""

from dataclasses import dataclass
from functools import partial
from typing import Protocol

from loanpulse.lab.simulator.cast import Officer, Product
from loanpulse.lab.simulator.hours import DAY
from loanpulse.lab.simulator.story import Data, Opening, Story, World

MONTH = 30 * DAY
_WRITTEN_OFF_AFTER = 4
_RISK = {"A": 0.3, "B": 0.6, "C": 1.0, "D": 2.5, "E": 5.0}


class Again(Protocol):
    """The application of a client who comes back."""

    def __call__(self, world: World, at: int, *, client: str) -> Story: ...


@dataclass(slots=True)
class Loan:
    """A loan on the book; it changes from month to month."""

    number: str
    client: str
    officer: Officer
    product: Product
    channel: str
    currency: str
    outstanding_minor: int
    instalment_minor: int
    grade: str
    days_past_due: int = 0
    months_in_default: int = 0

    @property
    def data(self) -> Data:
        """What its events say of whom it belongs to."""
        return {
            "customer_id": self.client,
            "officer_id": self.officer.id,
            "branch_id": self.officer.branch,
            "product": self.product.id,
            "channel": self.channel,
        }

    @property
    def balance(self) -> Data:
        return {"outstanding_minor": self.outstanding_minor, "currency": self.currency}


def new_loan(
    world: World, number: str, client: str, officer: Officer, product: Product, channel: str
) -> Loan:
    """A loan with amount and term drawn; business loans are sometimes in dollars."""
    rng = world.rng
    amount = round(product.median_minor * rng.lognormvariate(0.0, 0.5), -4) + 10_000
    in_dollars = product.id == "business-loan" and world.chance(0.3)
    return Loan(
        number=number,
        client=client,
        officer=officer,
        product=product,
        channel=channel,
        currency="USD" if in_dollars else "EUR",
        outstanding_minor=int(amount),
        instalment_minor=max(1, int(amount) // rng.randint(*product.months)),
        grade=rng.choices("ABCDE", (22, 34, 28, 12, 4))[0],
    )


def funded(loan: Loan, **more: object) -> Data:
    """The data of its `loan.funded`."""
    revenue = loan.outstanding_minor * loan.product.margin_bp // 10_000
    amount = {"amount_minor": loan.outstanding_minor, "currency": loan.currency, "revenue_minor": revenue}
    return loan.data | amount | more


def book(world: World, funded_at: int, start: int, again: Again) -> Story:
    """A loan of before the history begins: its funding is loaded at the start, then it is reported on."""
    story = Story()
    officer, product = world.cast.officer(world.rng), _long_term(world)
    loan = new_loan(world, world.number("L"), world.client(known=0.12), officer, product, world.channel())
    story.tell(funded_at, "loan.funded", loan.number, funded(loan))
    if world.chance(0.06):
        paid = world.rng.randrange(max(funded_at + MONTH, start - 3 * MONTH), start + MONTH)
        return _paid_off(world, story, paid, loan, again)
    months = (start - funded_at) // MONTH
    loan.outstanding_minor -= min(loan.outstanding_minor - 1, months * loan.instalment_minor)
    _age(world, loan)
    story.then(funded_at + (months + 1) * MONTH, partial(month, loan=loan, again=again))
    return story


def acquired(world: World, at: int, again: Again) -> Story:
    """A loan of another lender's book, seen first by this month's report."""
    officer, product = world.cast.officer(world.rng), world.cast.product(world.rng)
    loan = new_loan(world, world.number("L"), world.client(known=0.3), officer, product, world.channel())
    _age(world, loan)
    return month(world, at, loan=loan, again=again)


def _long_term(world: World) -> Product:
    """A product whose loans outlive the past that is loaded."""
    while (product := world.cast.product(world.rng)).months[0] < 12:
        pass
    return product


def _age(world: World, loan: Loan) -> None:
    """Arrears as they are found in a book that is some years old."""
    if world.chance(0.05):
        loan.days_past_due = world.rng.choice((12, 31, 31, 40, 61))


def month(world: World, at: int, *, loan: Loan, again: Again) -> Story:
    """One month of a loan: a report, or the last payment; some clients apply again."""
    story = Story()
    at = world.hours.local_midnight(world.hours.local_day(at)) + world.rng.randrange(5 * 3_600_000)
    if loan.months_in_default:
        return _in_default(story, at, loan, again)
    if loan.outstanding_minor <= loan.instalment_minor or world.chance(0.015):
        return _paid_off(world, story, at, loan, again)
    _pay_or_miss(world, loan)
    report = loan.data | loan.balance | {"days_past_due": loan.days_past_due}
    story.tell(at, "loan.status_reported", loan.number, report)
    if loan.days_past_due > 90 or world.chance(0.0004):
        loan.months_in_default = 1
        defaulted = world.staff_acts(at, hours=6)
        story.tell(defaulted, "loan.defaulted", loan.number, loan.data | loan.balance)
    elif world.chance(0.012):
        story.then(world.client_reacts(at, days=10), _by_same_client(loan, again))
    story.then(at + MONTH, partial(month, loan=loan, again=again))
    return story


def _by_same_client(loan: Loan, again: Again) -> Opening:
    return partial(again, client=loan.client)


def _pay_or_miss(world: World, loan: Loan) -> None:
    if loan.days_past_due:
        cured = world.chance(0.6)
        loan.days_past_due = 0 if cured else loan.days_past_due + 30
    elif world.chance(0.012 * _RISK[loan.grade]):
        loan.days_past_due = world.rng.randint(1, 31)
    if not loan.days_past_due:
        loan.outstanding_minor -= loan.instalment_minor


def _in_default(story: Story, at: int, loan: Loan, again: Again) -> Story:
    """Reported on until it is written off."""
    loan.months_in_default += 1
    loan.days_past_due += 30
    if loan.months_in_default > _WRITTEN_OFF_AFTER:
        loan.outstanding_minor = 0
    else:
        story.then(at + MONTH, partial(month, loan=loan, again=again))
    report = loan.data | loan.balance | {"days_past_due": loan.days_past_due}
    story.tell(at, "loan.status_reported", loan.number, report)
    return story


def _paid_off(world: World, story: Story, at: int, loan: Loan, again: Again) -> Story:
    paid = world.staff_acts(at, hours=3)
    story.tell(paid, "loan.paid_off", loan.number, loan.data)
    if world.chance(0.2):
        story.then(world.client_reacts(paid, days=25), _by_same_client(loan, again))
    return story
