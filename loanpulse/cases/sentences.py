"""Where a case stands, in one line of words for each of its clocks."""

from collections.abc import Iterator

from loanpulse.cases.standing import Ended, Running, Standing
from loanpulse.cases.told import Told
from loanpulse.cases.words import WORDS, clock_length, day_of, hours, left_text, place, share_text, wall_time
from loanpulse.serve.shown import Shown


def sentences(standing: Standing, shown: Shown) -> Iterator[tuple[str, str]]:
    """Each with the band that it tells of; "" of a clock that has ended."""
    subject = standing.story.subject
    for running in standing.running:
        yield running.case.band, f"{subject}: {_running(running, standing.as_of, _day(running.case, shown))}"
    for ended in standing.ended:
        yield "", f"{subject}: {_ended(ended, standing.as_of)}"


def _day(case: Told, shown: Shown) -> int | None:
    """A day of a clock of plain time; None: a business clock's lengths are hours, of which it can be seen what they are."""
    rule = shown.book.rules[case.kpi]
    is_business = getattr(rule.measure, "clock", "calendar") == "business"
    return None if is_business else day_of(shown.book.program, rule, case.branch)


def _running(running: Running, as_of: str, day_ms: int | None) -> str:
    case = running.case
    reasons = f", {' and '.join(case.paused)}" if case.band == "paused" else ""
    over = "" if case.left_ms >= 0 else " over"
    said = [
        f"{case.kpi} {WORDS[case.band]}{reasons}: {_used(case.used_ms, case.target_ms, day_ms)}",
        left_text(case.left_ms, day_ms) + (over or " left"),
        _due(running, as_of),
    ]
    return ", ".join(filter(None, said)) + _stopped(running, as_of)


def _used(used_ms: int, target_ms: int, day_ms: int | None) -> str:
    used, target = (
        hours(length) if day_ms is None else clock_length(length, day_ms) for length in (used_ms, target_ms)
    )
    share = share_text(used_ms, target_ms)
    return f"{used} of {target} used" + (f" ({share})" if share else "")


def _due(running: Running, as_of: str) -> str:
    case = running.case
    if case.due is not None:
        was = "was due" if case.left_ms < 0 else "due"
        return f"{was} {wall_time(case.due, as_of)} {place(case.zone)}"
    if running.due_if_resumed is None:
        return ""
    return f"due {wall_time(running.due_if_resumed, as_of)} {place(case.zone)} if it went on now"


def _stopped(running: Running, as_of: str) -> str:
    case = running.case
    since = "" if case.paused_since is None else f" since {wall_time(case.paused_since, as_of)}"
    if not running.stopped_ms:
        return f"; paused{since}" if since else ""
    why = "" if case.band == "paused" else f" ({' and '.join(running.stopped_by)})"
    return f"; paused{since}{',' if since else ''} for {hours(running.stopped_ms)} so far{why}"


def _ended(ended: Ended, as_of: str) -> str:
    said = f"{ended.kpi} {ended.why} {wall_time(ended.at, as_of)} {place(ended.zone)}"
    if ended.within is None:
        return said
    verdict = "within target" if ended.within else "over target"
    if ended.used_ms is None or ended.target_ms is None:
        return f"{said}, {'in time' if ended.within else 'too late'}"
    return f"{said}: {_used(ended.used_ms, ended.target_ms, None)}, {verdict}"
