"""Alerts in plain words: a line that says it all, and the facts below it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from loanpulse.dispatch.incident import Message
from schemas.alert import RESOLVED, AlertBand, AlertData, AlertEvent, AlertValue, Ending

BANDS: dict[AlertBand, str] = {"at_risk": "At risk", "breached": "Breached", "off_target": "Off target"}
ENDINGS: dict[Ending, str] = {
    "answered": "it was dealt with",
    "withdrawn": "it was withdrawn",
    "retracted": "what opened it was taken back",
    "paused": "its clock is paused",
    "due_moved": "its due time has moved",
    "no_target": "it has no target any more",
    "quarantined": "the case is quarantined: it has too many events",
    "on_target": "it is on target again",
    "too_few": "too few observations are left to judge it",
    "no_rule": "its rule is not in force any more",
}
_STATES: dict[AlertBand, str] = {
    "at_risk": "will soon be late",
    "breached": "is late",
    "off_target": "is off target",
}


def title(event: AlertEvent) -> str:
    """One line: what happened, to which KPI, of whom or what."""
    data = event.data
    word = "Resolved" if event.type == RESOLVED else BANDS[data.band]
    return " ".join(f"{word}: {data.wording}, {about(data)}".split())


def headline(message: Message) -> str:
    """The title of a message; a reminder's says that it is one."""
    said = title(message.event)
    return f"Still {said[0].lower()}{said[1:]}" if message.kind == "reminder" else said


def about(data: AlertData) -> str:
    """The case, or the figure's window and the officer or branch that it belongs to."""
    if data.case is not None:
        return f"{data.case.kind} {data.case.subject}"
    window = data.figure.window if data.figure is not None else "now"
    whose = f"officer {data.officer}" if data.officer else f"branch {data.branch}" if data.branch else "all"
    return f"{whose}, {window}"


def lines(event: AlertEvent) -> list[str]:
    """The facts, a line each, the most telling first."""
    return [line for line in _lines(event) if line]


def text(message: Message) -> str:
    """Headline and facts."""
    return "\n".join([headline(message), "", *lines(message.event)])


def digest_title(messages: Sequence[Message]) -> str:
    """How many of what."""
    counts = Counter(_word(message.event) for message in messages)
    told = ", ".join(f"{number} {word}" for word, number in counts.items())
    return f"{len(messages)} alert{'s' if len(messages) > 1 else ''}: {told}"


def digest_text(messages: Sequence[Message]) -> str:
    """One alert below the other."""
    return "\n\n\n".join(text(message) for message in messages)


def _word(event: AlertEvent) -> str:
    return "resolved" if event.type == RESOLVED else BANDS[event.data.band].lower()


def _lines(event: AlertEvent) -> Iterator[str]:
    data = event.data
    if event.type == RESOLVED:
        yield f"It is over: {ENDINGS[data.ended] if data.ended else 'it is no alert any more'}."
    else:
        yield (
            f"{about(data)} {_STATES[data.band]}.".capitalize()
            if data.case is None
            else (f"The {about(data)} {_STATES[data.band]}.")
        )
    if data.due_local or data.due:
        yield f"Due: {_local(data)}"
    if data.used_seconds is not None and data.target_seconds is not None:
        yield f"Time used: {length(data.used_seconds)} of {length(data.target_seconds)}"
    if data.figure is not None:
        yield from _figure(data.figure)
    named = {"Officer": data.officer, "Branch": data.branch, "Product": data.product, "Channel": data.channel}
    yield ", ".join(f"{name}: {value}" for name, value in named.items() if value)
    yield f"KPI: {data.kpi}"
    yield data.link


def _figure(figure: AlertValue) -> Iterator[str]:
    value = "none" if figure.value is None else f"{figure.value:g}"
    bounds = (("at least", figure.at_least), ("at most", figure.at_most))
    wanted = " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)
    yield f"Value: {value}, wanted: {wanted or 'nothing'}, from {figure.n:,} observations"
    yield f"Off target since: {_instant(figure.off_since)}"


def _local(data: AlertData) -> str:
    """A due time as it is read on a wall in the case's own zone."""
    return f"{_instant(data.due_local or data.due or '')}" + (f" ({data.zone})" if data.zone else "")


def _instant(written: str) -> str:
    try:
        instant = datetime.fromisoformat(written)
    except ValueError:
        return written
    offset = f"{instant:%z}"
    return f"{instant:%a %d %b %Y, %H:%M} {'UTC' if offset in ('', '+0000') else offset}"


def length(seconds: float) -> str:
    """Hours and minutes of a clock that may stand still at night: days would mislead."""
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    return f"{hours:,} h {rest} min" if hours else f"{rest} min"
