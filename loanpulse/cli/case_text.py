"""The story of a case in a terminal: its facts, its clock in words, what it adds to which KPI."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from rich.console import RenderableType
from rich.markup import escape
from rich.text import Text

from loanpulse.cli.output import table
from loanpulse.rules.explanation import Scalar
from loanpulse.rules.phrases import exact_length, moment, money
from loanpulse.rules.story import CaseStory, Clock, Counted, Fact, NotCounted, Step

_MOST_STEPS = 24
_KEPT = 6
"""Of a long run without a pause so many steps are shown at its beginning, and as many at its end."""


def case_text(story: CaseStory) -> list[RenderableType]:
    """What is printed, one under the other."""
    facts = f"{len(story.facts)} facts" if len(story.facts) != 1 else "1 fact"
    where = f"{story.topic}/{story.partition}, {facts}, times in {story.zone}"
    heading = f"[bold]{story.kind} {escape(story.subject)}[/] of {escape(story.key)}  ·  {escape(where)}"
    texts: list[RenderableType] = [Text.from_markup(heading)]
    if story.quarantined:
        texts.append(
            Text("it has more facts than one real case has, so nothing of it is counted", style="bold red")
        )
    texts += ["", _facts(story.facts)]
    for clock in story.clocks:
        texts += ["", *_clock(clock)]
    if story.counted:
        texts += ["", _counted(story.counted)]
    if story.not_counted:
        texts += ["", _not_counted(story.not_counted)]
    if not story.counted and not story.not_counted:
        texts += ["", "nothing of it is counted"]
    return texts


def _facts(facts: Iterable[Fact]) -> RenderableType:
    made = table("at", "fact", "says", "officer", "branch", "product", "channel", "")
    for fact in facts:
        made.add_row(
            moment(fact.at, year=True, exact=True),
            fact.type,
            escape(_values(fact)),
            *(escape(name or "") for name in (fact.officer, fact.branch, fact.product, fact.channel)),
            _state(fact),
            style="dim strike" if fact.retracted else None,
        )
    return made


def _values(fact: Fact) -> str:
    if fact.values is None:
        return "kept back"
    currency = str(fact.values.get("currency") or "")
    said = (item for item in fact.values.items() if item[1] is not None and item[0] != "currency")
    return ", ".join(_value(name, value, currency) for name, value in said)


def _value(name: str, value: Scalar, currency: str) -> str:
    words = name.removesuffix("_minor").replace("_", " ")
    if isinstance(value, bool):
        return words if value else f"not {words}"
    return (
        f"{words} {money(value, currency) if name.endswith('_minor') and isinstance(value, int) else value}"
    )


def _state(fact: Fact) -> str:
    revised = f"revision {fact.revision}" if fact.revision else ""
    return ", ".join(filter(None, ("retracted" if fact.retracted else "", revised)))


def _clock(clock: Clock) -> Iterator[RenderableType]:
    kind = "business time" if clock.clock == "business" else "plain time"
    yield Text.from_markup(
        f"[bold]{escape(clock.wording)}[/] ({clock.kpi}): {kind}, branch {escape(clock.branch)}, {clock.zone}"
    )
    made = table("from", "to", "", "counts>", "why")
    for steps in _shortened(clock.steps):
        made.add_row(*_step(steps, clock), style=None if steps[0].state == "runs" else "dim")
    if clock.steps:
        yield made
    yield Text.assemble(*_verdict(clock))
    if all(pause.to for pause in clock.pauses) and len(clock.pauses) == sum(
        s.state == "paused" for s in clock.steps
    ):
        return  # each of them is a step
    for pause in clock.pauses:
        until = "not ended" if pause.to is None else f"to {moment(pause.to, exact=True)}"
        since = moment(pause.from_, exact=True)
        yield Text(f"pause {pause.instance}: {pause.reason}, {since} {until}", style="dim")


def _step(steps: Sequence[Step], clock: Clock) -> tuple[str, str, str, str, str]:
    """A step, or several that are told as one."""
    first, last = steps[0], steps[-1]
    counted = sum(step.open_ms for step in steps if step.state == "runs")
    since = moment(first.from_, exact=True)
    until = "now" if clock.runs and last.to == clock.until else moment(last.to, exact=True)
    if len(steps) > 1:
        why = ", ".join(dict.fromkeys(reason for step in steps for reason in step.why))
        return since, until, "open by turns", exact_length(counted), f"closed in between: {why}"
    why = ", ".join(first.why)
    if first.state == "paused":
        return since, until, "paused", "", f"{why} ({exact_length(first.open_ms)} of open time)"
    return (
        (since, until, "open", exact_length(counted), "")
        if first.state == "runs"
        else (since, until, "closed", "", why)
    )


def _shortened(steps: Sequence[Step]) -> Iterator[Sequence[Step]]:
    """Each step by itself; of many the middle of long runs without a pause as one."""
    if len(steps) <= _MOST_STEPS:
        yield from ([step] for step in steps)
        return
    for is_paused, run in groupby(steps, lambda step: step.state == "paused"):
        told = list(run)
        if is_paused or len(told) <= 2 * _KEPT + 1:
            yield from ([step] for step in told)
            continue
        yield from ([step] for step in told[:_KEPT])
        yield told[_KEPT:-_KEPT]
        yield from ([step] for step in told[-_KEPT:])


def _verdict(clock: Clock) -> Iterator[tuple[str, str]]:
    since, until = moment(clock.since, year=True, exact=True), moment(clock.until, year=True, exact=True)
    yield f"{exact_length(clock.elapsed_ms)}", "bold"
    yield f" from {since} to {'now, ' if clock.runs else ''}{until}", ""
    if clock.target_ms is None:
        return
    yield f"; target {exact_length(clock.target_ms)}: ", ""
    yield ("within target", "green") if clock.within else ("over target", "red")
    if clock.due is None:
        return
    due = moment(clock.due, year=True, exact=True)
    if not clock.runs:
        yield f", it was due {due}", ""
    elif clock.is_paused and clock.within:
        yield f", due {due} if the pause ended now", ""
    else:
        yield f", {'due' if clock.within else 'it was due'} {due}", ""


def _counted(counted: Iterable[Counted]) -> RenderableType:
    made = table("counted in", "adds", "at", "for", "branch", "windows of the board")
    for each in counted:
        name = f"{each.kpi} [{each.split}]" if each.split else each.kpi
        at = "now" if each.at is None else moment(each.at, year=True)
        made.add_row(
            *map(escape, (name, each.says, at, each.officer, each.branch, ", ".join(each.windows) or "none"))
        )
    return made


def _not_counted(left_out: Iterable[NotCounted]) -> RenderableType:
    made = table("not counted in", "why")
    for each in left_out:
        made.add_row(each.kpi, escape(each.why))
    return made
