"""Speaks valid events: fields of every type at random, optional members absent, null or given."""

import random
from collections.abc import Callable
from typing import Any

from tests.oracle.facts import STAFF, TYPES, UNASSIGNED
from tests.oracle.instants import Instants, text_of

Event = dict[str, Any]
Data = dict[str, Any]

NEVER_REVISED = "loan.status_reported"
SOURCES = ("core", "crm", "batch/1", "Ümlaut")
PRODUCTS = ("home", "car", "study.plus")
CHANNELS = ("web", "shop", "partner@x")
CURRENCIES = ("EUR", "EUR", "USD", "JPY")


class Speaker:
    """`own` fields given by a story win over those drawn; (source, id) is new but for a few that repeat."""

    def __init__(
        self, rng: random.Random, instants: Instants, customers: int, officers: int, branches: int
    ) -> None:
        self.rng, self.instants = rng, instants
        self._customers = [f"c{n}" for n in range(customers)]
        self._officers = [f"o{n}" for n in range(officers)] + ["robot", UNASSIGNED]
        self._branches = [f"b{n}" for n in range(branches)]
        self._subjects: dict[str, list[str]] = {}
        self._spoken = 0

    def customer(self) -> str:
        return self.rng.choice(self._customers)

    def officer(self) -> str:
        """A staff-activity key; `unassigned` is written or left out."""
        return self.rng.choice(self._officers)

    def subject(self, kind: str) -> str:
        """A case's id, now and then one that is already in use, by the same key or another."""
        used = self._subjects.setdefault(kind, [])
        if used and self.rng.random() < 0.1:
            return self.rng.choice(used)
        used.append(f"{kind}-{len(used)}")
        return used[-1]

    def used_subject(self, kind: str) -> str:
        return self.rng.choice(self._subjects.get(kind) or [f"{kind}-0"])

    def event(self, type_name: str, key: str, subject: str, at: int, **own: Any) -> Event:
        self._spoken += 1
        number = self._spoken
        if self.rng.random() < 0.02 and type_name != NEVER_REVISED:
            number = self.rng.randint(1, number)
        return self.restate(type_name, key, subject, at, self.rng.choice(SOURCES), number, own)

    def next_id(self) -> int:
        self._spoken += 1
        return self._spoken

    def restate(
        self, type_name: str, key: str, subject: str, at: int, source: str, number: int, own: Data
    ) -> Event:
        """An event with a given identity. Unlisted members hang on its number, so that they never decide."""
        data = self._dimensions(type_name, key) | self._fields(type_name, at) | own
        event: Event = {
            "specversion": "1.0",
            "source": source,
            "id": str(number),
            "type": type_name,
            "time": text_of(at, self.rng),
            "subject": subject,
            "data": data,
        }
        for name, value in (("datacontenttype", "application/json"), ("revision", 0), ("retracted", False)):
            if self.rng.random() < 0.15:
                event[name] = value
        if number % 7 == 0:
            event["traceparent"] = f"00-{number}"
            data["remark"] = {"text": "naïve ☃", "at": number}
        return event

    def _maybe(self, data: Data, name: str, value: Any, share: float = 0.6) -> None:
        """An optional member: given, null, or absent."""
        shape = self.rng.random()
        if shape < share:
            data[name] = value
        elif shape < share + 0.1:
            data[name] = None

    def _dimensions(self, type_name: str, key: str) -> Data:
        rng, data = self.rng, Data()
        self._maybe(data, "branch_id", rng.choice(self._branches))
        if TYPES[type_name].topic == STAFF:
            if key != UNASSIGNED:
                data["officer_id"] = key
            else:
                self._maybe(data, "officer_id", UNASSIGNED, 0.3)
            return data
        data["customer_id"] = key
        self._maybe(data, "officer_id", rng.choice(self._officers))
        self._maybe(data, "product", rng.choice(PRODUCTS), 0.4)
        self._maybe(data, "channel", rng.choice(CHANNELS), 0.4)
        return data

    def _fields(self, type_name: str, at: int) -> Data:
        draw = FIELDS.get(type_name)
        return draw(self, at) if draw else {}

    def score(self, low: int, high: int) -> int:
        return self.rng.choice((low, high, self.rng.randint(low, high), self.rng.randint(low, high)))

    def flag(self) -> bool:
        return self.rng.random() < 0.6

    def amount(self) -> int:
        return self.rng.choice((1, 10**12, self.rng.randint(1, 5_000_000), self.rng.randint(1, 5_000_000)))

    def money(self, name: str, low: int = 1) -> Data:
        return {name: max(low, self.amount() - 1 + low), "currency": self.rng.choice(CURRENCIES)}

    def optional(self, **members: Any) -> Data:
        data = Data()
        for name, value in members.items():
            self._maybe(data, name, value)
        return data

    def due(self, at: int) -> str:
        return text_of(self.instants.after(at), self.rng)


def _submitted(s: Speaker, _: int) -> Data:
    data = Data()
    if s.rng.random() < 0.6:
        required = s.score(0, 12)
        data |= {"documents_required": required, "documents_accepted": s.rng.randint(0, required)}
    if s.rng.random() < 0.5:
        data |= s.money("amount_minor")
    return data


def _decided(s: Speaker, _: int) -> Data:
    outcome = s.rng.choice(("approved", "approved", "declined", "withdrawn"))
    judged = s.optional(grade=s.rng.choice("ABCDE"), default_probability_bp=s.score(0, 10_000))
    return {"outcome": outcome} | judged


def _funded(s: Speaker, _: int) -> Data:
    data = {"product": s.rng.choice(PRODUCTS)} | s.money("amount_minor")
    return data | s.optional(revenue_minor=s.score(0, 90_000), lead_id=s.used_subject("lead"))


def _reported(s: Speaker, _: int) -> Data:
    days = s.rng.choice((0, 0, 1, 29, 30, 59, 60, 89, 90, 91, 400))
    balance = s.money("outstanding_minor", 0) if s.rng.random() < 0.85 else {"outstanding_minor": 0}
    return {"currency": s.rng.choice(CURRENCIES), "days_past_due": days} | balance


FIELDS: dict[str, Callable[[Speaker, int], Data]] = {
    "lead.created": lambda s, _: s.optional(referred_by=s.customer()),
    "product.offered": lambda s, _: {"product": s.rng.choice(PRODUCTS), "new_product": s.flag()},
    "application.submitted": _submitted,
    "application.assigned": lambda s, _: s.optional(stage="Review:2"),
    "application.decided": _decided,
    "loan.funded": _funded,
    "loan.status_reported": _reported,
    "loan.defaulted": lambda s, _: s.money("outstanding_minor", 0),
    "compliance.checked": lambda s, _: {"passed": s.flag()},
    "satisfaction.rated": lambda s, _: {"score": s.score(1, 5)},
    "nps.answered": lambda s, _: {"score": s.score(0, 10)},
    "recommendation.rated": lambda s, _: {"score": s.score(1, 5)},
    "review.posted": lambda s, _: s.optional(stars=s.score(1, 5)),
    "knowledge.tested": lambda s, _: {"score": s.score(0, 100)},
    "forecast.resolved": lambda s, _: {"accurate": s.flag()},
    "audit.completed": lambda s, _: {"score": s.score(0, 100)},
    "violation.recorded": lambda s, _: {"severity": s.rng.choice(("low", "medium", "high", "critical"))},
    "training.assigned": lambda s, at: {"due_at": s.due(at), "regulatory": s.flag()},
    "training.completed": lambda s, _: s.optional(rating=s.score(1, 5)),
    "regulation.issued": lambda s, at: {"due_at": s.due(at)},
    "peer.rated": lambda s, _: {"score": s.score(1, 5)},
    "stakeholder.rated": lambda s, _: {"score": s.score(1, 5)},
    "skill.assessed": lambda s, _: {"applied": s.flag()},
}
