"""Observations that join the cases of one customer: fundings, leads, offers, repeat clients, retention."""

from collections import defaultdict
from collections.abc import Iterator

from tests.oracle.attribution import group_of
from tests.oracle.facts import Case, Statement
from tests.oracle.observe import Cases, Observation, conversion, days_ms, of_kind
from tests.oracle.observe_loans import default_event


def customers(cases: Cases) -> Iterator[Observation]:
    by_key: dict[str, list[Case]] = defaultdict(list)
    for case in cases.values():
        by_key[case.id.key].append(case)
    for own in by_key.values():
        kinds = {kind: [c for c in own if c.id.kind == kind] for kind in ("loan", "lead", "offer")}
        yield from _fundings(kinds["loan"])
        yield from _leads(kinds["lead"], kinds["loan"])
        yield from _adoption(kinds["offer"], kinds["loan"])
        yield from _retention(kinds["loan"])


def referrals(cases: Cases) -> Iterator[Observation]:
    for case in of_kind(cases, "lead"):
        for lead in case.all("lead.created"):
            referred = lead.says("referred_by") is not None
            yield Observation("referral_rate", lead.time, group_of(case, lead), int(referred))


def _funding_order(fact: Statement) -> tuple[int, str, str, str]:
    return fact.time, fact.source, fact.id, fact.subject


def _funded(loans: list[Case]) -> list[tuple[Case, Statement]]:
    """The customer's fundings, in order."""
    found = [(case, fact) for case in loans for fact in case.all("loan.funded")]
    return sorted(found, key=lambda pair: _funding_order(pair[1]))


def _fundings(loans: list[Case]) -> Iterator[Observation]:
    for place, (case, fact) in enumerate(_funded(loans)):
        at, group, currency = fact.time, group_of(case, fact), fact.data["currency"]
        amount, revenue = fact.data["amount_minor"], fact.says("revenue_minor")
        client, latest = fact.key, _funding_order(fact)
        if place > 0:
            yield Observation("repeat_clients", at, group, client=client, latest=latest)
        yield Observation("sales_volume_growth", at, group, amount, split=currency)
        yield Observation("average_loan_amount", at, group, amount, 1, currency, client=client, latest=latest)
        if revenue is not None:
            yield Observation("loan_revenue", at, group, revenue, split=currency)


def _leads(leads: list[Case], loans: list[Case]) -> Iterator[Observation]:
    for case in leads:
        for lead in case.all("lead.created"):
            successes = [f.time for _, f in _funded(loans) if f.says("lead_id") == lead.subject]
            yield conversion("lead_conversion", case, lead, successes, lead.time + days_ms(60))


def _adoption(offers: list[Case], loans: list[Case]) -> Iterator[Observation]:
    """One chance a product: its first offer, and a funding of it at or after that."""
    made = [
        (case, fact) for case in offers for fact in case.all("product.offered") if fact.data["new_product"]
    ]
    made.sort(key=lambda pair: _funding_order(pair[1]))
    seen: set[str] = set()
    for case, offer in made:
        product = offer.data["product"]
        if product not in seen:
            seen.add(product)
            fundings = [f.time for _, f in _funded(loans) if f.data["product"] == product]
            successes = [at for at in fundings if at >= offer.time]
            yield conversion("new_product_adoption", case, offer, successes, offer.time + days_ms(90))


def _open_at(case: Case, at: int) -> bool:
    """Funded at or before an instant, and neither paid off nor in default by then."""
    funded, paid_off, defaulted = case.one("loan.funded"), case.one("loan.paid_off"), default_event(case)
    ended = [fact.time for fact in (paid_off, defaulted) if fact]
    return funded is not None and funded.time <= at and all(time > at for time in ended)


def _retention(loans: list[Case]) -> Iterator[Observation]:
    for case in loans:
        for payoff in case.all("loan.paid_off"):
            if any(_open_at(other, payoff.time) for other in loans if other is not case):
                successes = [payoff.time]
            else:
                successes = [f.time for _, f in _funded(loans) if f.time > payoff.time]
            yield conversion("customer_retention", case, payoff, successes, payoff.time + days_ms(90))
