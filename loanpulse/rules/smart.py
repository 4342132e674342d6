"""What keeps rules from being SMART, as lines for people."""

from collections.abc import Iterable

from kpi_rules.lint import lint
from kpi_rules.loader import LoadedFile, show_place


def problems(files: Iterable[LoadedFile]) -> list[str]:
    """One line for each thing that a rule lacks: file, line, place, letter, and how to mend it."""
    found = []
    for loaded in files:
        for number, rule in enumerate(loaded.content.rules):
            for letter, place, message in lint(rule):
                at = ("rules", number, *place)
                found.append(
                    f"{loaded.name}:{loaded.line(at)}: {show_place(at)} [{letter}]: {rule.id}: {message}"
                )
    return found
