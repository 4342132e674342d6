"""Differences of rules as lines for people."""

from collections.abc import Iterable, Iterator, Sequence

from kpi_rules.book_differences import BookDifferences
from kpi_rules.differences import Change, Difference

_WIDTH = 110
_LEAST = ("says", "target", "goal")
"""What is told of a rule that is new; its file tells the rest."""
RECOUNTED = "its history is counted anew from the stored cases"
KEPT_ANEW = "its values stay; how many kept the target is counted anew from the stored cases"
ONLY_SHOWN = "its history stays; only how it is shown or judged changes"


def lines(found: BookDifferences) -> Iterator[str]:
    """All that differs, and at the end how much; nothing where nothing does."""
    for difference in found.rules:
        yield from _of_rule(difference)
    yield from _of_book("areas", found.areas)
    yield from _of_book("organisation", found.organisation)
    if found.rules:
        yield _summary(found.rules)


def _of_rule(difference: Difference) -> Iterator[str]:
    yield f"{difference.kind} {difference.kpi}: {difference.wording}"
    if difference.kind == "removed":
        yield "  it is shown no more; cases stay, so it has its history again if it comes back"
        return
    if difference.kind == "added":
        yield from (
            f"  {change.what}: {change.after}" for change in difference.changes if change.what in _LEAST
        )
        yield f"  {RECOUNTED}"
        return
    for change in difference.changes:
        yield from _told(change)
    yield f"  {_effect(difference)}"


def _effect(difference: Difference) -> str:
    counted = {change.what for change in difference.changes if change.recounts}
    if not counted:
        return ONLY_SHOWN
    return KEPT_ANEW if counted == {"target"} else RECOUNTED


def _of_book(title: str, changes: Sequence[Change]) -> Iterator[str]:
    if not changes:
        return
    yield f"changed {title}"
    for change in changes:
        yield from _told(change)
        if change.recounts:
            yield "    counted anew from the stored cases"


def _told(change: Change) -> Iterator[str]:
    before, after = change.before or "nothing", change.after or "nothing"
    line = f"  {change.what}: {before} → {after}"
    if len(line) <= _WIDTH:
        yield line
    else:
        yield f"  {change.what}:"
        yield f"    − {before}"
        yield f"    + {after}"


def _summary(found: Iterable[Difference]) -> str:
    by_kind = dict.fromkeys(("added", "removed", "changed"), 0)
    for difference in found:
        by_kind[difference.kind] += 1
    counts = ", ".join(f"{count} {kind}" for kind, count in by_kind.items() if count)
    total = sum(by_kind.values())
    return f"{total} rule{' differs' if total == 1 else 's differ'}: {counts}"
