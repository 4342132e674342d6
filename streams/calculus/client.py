"""A client: what all cases of one partition key tell the measures that look across cases.

Each case shows the client its few facts that such measures ask for, with the group that each belongs to. The client is
a pure function of its cases, so it can be made anew from them at any time.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from kpi_rules.facts import FACTS
from kpi_rules.measures import Conditions, ConversionMeasure, DistinctMeasure, PerClientMeasure
from kpi_rules.model import Rule
from schemas.event import Statement
from schemas.registry import EVENT_TYPES
from streams.calculus.attribution import Group, group_name
from streams.calculus.case import Case, order_of
from streams.calculus.derived import loan_default
from streams.calculus.observers import deadline_of
from streams.calculus.panes import Observation
from streams.calculus.paths import field_of, test_of

DEFAULT_CODE = 0
"""Stands for `loan.default` among the codes of event types: a loan shows its client when it went into default."""
MOST_VIEWS = 1_000
BEFORE_ALL_MS = -(1 << 62)

_NO_CASE = Case()
_FUNDED = EVENT_TYPES["loan.funded"].code
_PAID_OFF = EVENT_TYPES["loan.paid_off"].code


class View(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One fact that a case shows its client, and whom it belongs to."""

    said: Statement
    group: Group


class Client(msgspec.Struct, array_like=True, gc=False):
    """Views by the code of the fact's type, then by the case's subject."""

    views: dict[int, dict[str, View]] = msgspec.field(default_factory=dict)

    def of(self, code: int) -> dict[str, View]:
        return self.views.get(code, {})

    def copy(self) -> "Client":
        return Client({code: dict(found) for code, found in self.views.items()})

    def show(self, code: int, subject: str, view: View | None) -> None:
        """Set a view, or withdraw it."""
        shown = self.views.setdefault(code, {})
        if view is None:
            shown.pop(subject, None)
        else:
            shown[subject] = view

    @property
    def quarantined(self) -> bool:
        """Whether it has more views than one real client has; it is then kept, but not observed."""
        return sum(map(len, self.views.values())) > MOST_VIEWS


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Client)
encode_client = _encoder.encode
decode_client = _decoder.decode

ObserveClient = Callable[[Client], list[Observation]]


@dataclass(frozen=True)
class ClientObserver:
    """What observes a client for one measure, and the codes of the views that it looks at."""

    reads: frozenset[int]
    observe: ObserveClient


def default_view(case: Case) -> Statement | None:
    """What a loan shows of its default: when, not how much or by which event."""
    default = loan_default(case)
    return None if default is None else msgspec.structs.replace(default, values=(), source="", id="", form=0)


def selected(code: int, fact: str, where: Conditions) -> Callable[[Client], list[tuple[str, View]]]:
    """The client's views of a type that conditions let through, by (time, source, id, subject), with their subjects."""
    test = test_of(where, FACTS[fact])

    def select(client: Client) -> list[tuple[str, View]]:
        views = client.views.get(code)
        if not views:
            return []
        found = [item for item in views.items() if test is None or test(_NO_CASE, item[1].said)]
        if len(found) > 1:
            found.sort(key=lambda item: (order_of(item[1].said), item[0]))
        return found

    return select


def split_of(rule: Rule, fact: str) -> Callable[[Statement], str]:
    if rule.split is None:
        return lambda _: ""
    read = field_of(FACTS[fact], rule.split)
    return lambda said: str(read(said))


def distinct(index: int, rule: Rule, measure: DistinctMeasure) -> ClientObserver:
    """Each client once, at its latest anchor."""
    code = EVENT_TYPES[measure.anchor].code
    select, split = selected(code, measure.anchor, measure.where), split_of(rule, measure.anchor)
    least = 2 if measure.after_first else 1

    def observe(client: Client) -> list[Observation]:
        found = _by_split((view for _, view in select(client)), split)
        return [
            Observation(index, views[-1].said.at, group_name(views[-1].group, rule.by, name), 0, 1, 1, 0)
            for name, views in found.items()
            if len(views) >= least
        ]

    return ClientObserver(frozenset({code}), observe)


def per_client(index: int, rule: Rule, measure: PerClientMeasure) -> ClientObserver:
    """Every anchor's amount at its own time, and the client once at its latest, all in the latest one's group."""
    code = EVENT_TYPES[measure.anchor].code
    select, split = selected(code, measure.anchor, measure.where), split_of(rule, measure.anchor)
    amount = field_of(FACTS[measure.anchor], measure.amount)

    def observe(client: Client) -> list[Observation]:
        observations = []
        for name, views in _by_split((view for _, view in select(client)), split).items():
            group = group_name(views[-1].group, rule.by, name)
            for view in views:
                last = int(view is views[-1])
                observations.append(
                    Observation(index, view.said.at, group, 0, last, int(amount(view.said) or 0), last)
                )
        return observations

    return ClientObserver(frozenset({code}), observe)


def _by_split(views: Iterable[View], split: Callable[[Statement], str]) -> dict[str, list[View]]:
    found: dict[str, list[View]] = {}
    for view in views:
        found.setdefault(split(view.said), []).append(view)
    return found


class Chance(NamedTuple):
    """An opening that counts, and how it is settled."""

    subject: str
    view: View
    at: int
    """The success, or the deadline that passes without one."""
    won: int
    by: str
    """The subject of the success; empty where another open loan won at once, or nothing did."""


def chances(measure: ConversionMeasure) -> Callable[[Client], list[Chance]]:
    """The chances of a client: openings that are won by a success in any of its cases."""
    opens, wins = EVENT_TYPES[measure.opening], EVENT_TYPES[measure.success]
    openings, successes = (
        selected(opens.code, opens.name, measure.where),
        selected(wins.code, wins.name, {}),
    )
    deadline, earliest, matches = deadline_of(measure), _earliest(measure), _matches(measure)
    chance = None if measure.one_chance_per is None else field_of(FACTS[opens.name], measure.one_chance_per)

    def settled(opening: View, subject: str, found: Sequence[tuple[str, View]]) -> Chance:
        """`found` being the client's successes in their order."""
        opened, due = opening.said.at, deadline(opening.said)
        for by, success in found:
            at = success.said.at
            if earliest(opened) <= at <= due and matches(success.said, opening.said, subject):
                return Chance(subject, opening, max(at, opened), 1, by)
        return Chance(subject, opening, due, 0, "")

    def of(client: Client) -> list[Chance]:
        opened = openings(client)
        if not opened:
            return []
        taken, found, settled_so = set(), successes(client), []
        for subject, view in opened:
            if chance is not None:
                if chance(view.said) in taken:
                    continue
                taken.add(chance(view.said))
            if measure.won_at_once_by is not None and _another_is_open(client, view.said.at):
                settled_so.append(Chance(subject, view, view.said.at, 1, ""))
            else:
                settled_so.append(settled(view, subject, found))
        return settled_so

    return of


def conversion(index: int, rule: Rule, measure: ConversionMeasure) -> ClientObserver:
    """Openings that are won by a success in any case of the client."""
    chances_of = chances(measure)

    def observe(client: Client) -> list[Observation]:
        return [
            Observation(index, at, group_name(view.group, rule.by), 0, 1, won, 1)
            for _, view, at, won, _ in chances_of(client)
        ]

    extra = {_FUNDED, _PAID_OFF, DEFAULT_CODE} if measure.won_at_once_by else set()
    codes = {EVENT_TYPES[measure.opening].code, EVENT_TYPES[measure.success].code}
    return ClientObserver(frozenset(codes | extra), observe)


def _earliest(measure: ConversionMeasure) -> Callable[[int], int]:
    """The first ms, by that of the opening, in which a success counts.

    What is won at once by a loan that is open at the opening has looked at that instant already: a loan funded in it and
    over by then does not win.
    """
    if measure.success_may_precede:
        return lambda _opened: BEFORE_ALL_MS
    later = 0 if measure.won_at_once_by is None else 1
    return lambda opened: opened + later


def _matches(measure: ConversionMeasure) -> Callable[[Statement, Statement, str], bool]:
    """Whether a success is an opening's own: each matched field of the one equals that of the other."""
    opens, wins = FACTS[measure.opening], FACTS[measure.success]
    pairs = [
        (field_of(wins, of_success), None if of_opening == "subject" else field_of(opens, of_opening))
        for of_success, of_opening in measure.match.items()
    ]
    return lambda success, opening, subject: all(
        theirs(success) == (subject if ours is None else ours(opening)) for theirs, ours in pairs
    )


def _another_is_open(client: Client, at: int) -> bool:
    """Whether a loan of the client is open at an instant: funded by then, neither paid off nor in default by then.

    The loan that is paid off in that instant is not: what is open is another.
    """
    paid, defaulted = client.of(_PAID_OFF), client.of(DEFAULT_CODE)
    return any(
        view.said.at <= at
        and not any(loan in ended and ended[loan].said.at <= at for ended in (paid, defaulted))
        for loan, view in client.of(_FUNDED).items()
    )
