"""An example in words: what happened, what of it counts, and the value."""

from collections.abc import Iterator, Sequence

from kpi_rules.measures import ConversionMeasure, DistinctMeasure, PerClientMeasure, RatioMeasure
from kpi_rules.model import Rule
from kpi_rules.organisation import Organisation
from loanpulse.board.snapshot import Row
from loanpulse.pages.examples import Told
from loanpulse.pages.tables import table
from loanpulse.pages.values import day, moment, money, number, percent, value_words
from loanpulse.pages.vocabulary import EVENTS, TRUTHS
from loanpulse.pages.wanted import WINDOWS
from loanpulse.pages.worked import UNASSIGNED, Added, work
from loanpulse.rules.phrases import exact_length
from schemas.event import Event
from schemas.fields import time_ms
from streams.calculus.panes import Observation

MONEY = ("amount_minor", "outstanding_minor", "revenue_minor")
UNTOLD = ("case", "client", "currency", "request_id", "hold_id", "error_id", "check_id")
"""Fields that stand with others, or that only a program needs."""


def happened(told: Told) -> str:
    """The events of an example, one a line."""
    rows = [(moment(event.statement.at), _event(event), note) for event, note in told.events]
    return table(("when", "what happens", ""), rows)


def counted(rule: Rule, told: Told, organisation: Organisation) -> Iterator[str]:
    """What each case adds, and the value with its parts; paragraphs."""
    worked = work(rule, told, organisation)
    rows = [_added(rule, added, told.as_of_ms) for added in worked.added if not _is_nobodys(rule, added)]
    yield table((_whose(rule), "counts", "as"), rows)
    when = f"on {day(told.as_of_ms)}, {WINDOWS[told.window] if rule.timed else 'as it stands'}"
    for row in worked.rows:
        yield f"{_split(row)}{_sum(rule, row)} ({when}).\n"


def _event(event: Event) -> str:
    """What happens in words, with the fields that the words do not name."""
    said = event.statement
    own: dict[str, object] = dict(zip(event.type.fields, said.values, strict=True))
    named = own | {
        "case": event.subject,
        "client": event.key_field if event.type.lending else None,
        "officer": said.officer or "nobody",
        "product": said.product,
    }
    told = {name: _field(name, value, named) for name, value in named.items() if value is not None}
    phrase = EVENTS[event.type.name]
    rest = [f"{_label(name)}{text}" for name, text in told.items() if _is_left(name, text, phrase, event)]
    words = phrase.format(**{name: told.get(name, "?") for name in _names(phrase)})
    words = f"taken back: {words}" if said.retracted else words
    return words[0].upper() + words[1:] + (f" ({', '.join(rest)})" if rest else "")


def _names(phrase: str) -> Sequence[str]:
    return [part.partition("}")[0] for part in phrase.split("{")[1:]]


def _is_left(name: str, text: str, phrase: str, event: Event) -> bool:
    """Whether a field is to be told beside the phrase, which does not name it."""
    shown = f"{{{name}}}" in phrase
    if name == "officer":
        return not shown and event.statement.officer is not None
    return bool(text) and not shown and name not in UNTOLD


def _field(name: str, value: object, named: dict[str, object]) -> str:
    if name in MONEY and isinstance(value, int):
        return money(value, str(named.get("currency", "")))
    if name in TRUTHS and isinstance(value, bool):
        return TRUTHS[name][value]
    if name == "default_probability_bp" and isinstance(value, int):
        return percent(value / 10_000)
    if name == "due_at":
        return moment(time_ms(str(value)))
    return str(value)


def _label(name: str) -> str:
    """The name of a field before its value; amounts and truths speak for themselves."""
    if name in TRUTHS or name == "amount_minor":
        return ""
    words = {
        "revenue_minor": "revenue",
        "default_probability_bp": "default probability",
        "referred_by": "referred by",
        "lead_id": "from lead",
    }
    return f"{words.get(name, name.replace('_', ' '))} "


def _whose(rule: Rule) -> str:
    measure = rule.measure
    over_client = isinstance(measure, ConversionMeasure) and measure.over == "client"
    return "client" if over_client or isinstance(measure, (DistinctMeasure, PerClientMeasure)) else "case"


def _is_nobodys(rule: Rule, added: Added) -> bool:
    """Work without an officer is no work of a head."""
    return rule.measure.kind == "per_head" and added.observation.group.startswith(f"{UNASSIGNED}\x1f")


def _added(rule: Rule, added: Added, as_of_ms: int) -> Sequence[str]:
    at, worth = added.observation.at, _as(rule, added.observation)
    if at is None:
        return added.of, "now", worth
    if at > as_of_ms:
        return added.of, f"{moment(at)}, still to come", "lost, unless it is won by then"
    return added.of, moment(at) + ("" if added.counts else " (not in the window)"), worth


def _as(rule: Rule, seen: Observation) -> str:
    """What one observation is worth, in words."""
    measure, currency = rule.measure, seen.group.rpartition("\x1f")[2]
    match measure.kind:
        case "duration":
            target = ", within the target" if seen.a else ", not within the target"
            return exact_length(seen.b) + (target if rule.targets else "")
        case "conversion":
            return "won: 1 of 1" if seen.a else "lost: 0 of 1"
        case "mean":
            return f"{number(seen.a)} points"
        case "sum" | "growth" | "per_client":
            return money(seen.a, currency)
        case "distinct":
            return "1 client"
        case "per_head":
            return f"1 by {seen.group.partition(chr(31))[0]}"
        case "count":
            return "1"
    return _of(rule, seen, currency)


def _of(rule: Rule, seen: Observation, currency: str) -> str:
    """The parts of a ratio or a level."""
    measure = rule.measure
    if seen.at is None and isinstance(measure, RatioMeasure):
        return f"0 of {_part(rule, seen.b, currency)}, on the book"
    if isinstance(measure, RatioMeasure) and measure.scale > 1:
        return f"{number(seen.a / measure.scale)} of 1"
    return f"{_part(rule, seen.a, currency)} of {_part(rule, seen.b, currency)}"


def _part(rule: Rule, amount: int, currency: str) -> str:
    return money(amount, currency) if rule.split == "currency" else number(amount)


def _split(row: Row) -> str:
    return "".join(f"{value}: " for name, value in row.group.items() if name != "currency")


def _sum(rule: Rule, row: Row) -> str:
    """The parts and the value: `2 / 3 = 66.7 %`."""
    currency = row.group.get("currency", "")
    value = f"**{value_words(row.value, rule, currency)}**"
    kind, lower = rule.measure.kind, row.denominator
    if kind == "duration":
        kept = f"; {row.numerator} of {row.n} within the target" if rule.targets else ""
        return f"9 of 10 took no longer than {value}{kept}; together {exact_length(row.sum or 0)}"
    if lower is None:
        return value
    if kind == "growth":
        before, now = money(lower, currency), money(row.sum or 0, currency)
        return f"({now} − {before}) / {before} = {value}"
    if kind == "per_client":
        return f"{money(row.numerator, currency)} / {lower} = {value}"
    scale = getattr(rule.measure, "scale", 1)
    if isinstance(rule.measure, RatioMeasure) and scale > 1:
        return f"{number(row.numerator / scale)} / {lower // scale} = {value}"
    each = " for each officer" if kind == "per_head" else ""
    return f"{_part(rule, row.numerator, currency)} / {_part(rule, lower, currency)} = {value}{each}"
