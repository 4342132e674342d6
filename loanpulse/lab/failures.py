"""What can go wrong between a file and the board, as a caller must tell it apart.

InputError      the file, the mapping or an option is wrong: exit 2, nothing was written
ProduceError    Kafka refused or lost records: exit 1, what was sent may be incomplete
ReplayError     the engine did not get through: exit 1, the replay's own topics and keys are removed
"""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """One line that names the file, the line, the field and the way out, as far as they are known."""

    def __init__(self, message: str, *, file: str = "", line: int | None = None, field: str = "") -> None:
        place = f"{file}:{line}" if line is not None else file
        super().__init__(": ".join(part for part in (place, field, message) if part))


class ProduceError(RuntimeError):
    """Kafka could not be reached, or did not take every record."""


class ReplayError(RuntimeError):
    """A worker ended, a partition stopped, or nothing moves any more."""


def nearest(name: str, known: Iterable[str]) -> str:
    """`: did you mean 'x'?`, or all the names when none is near, or nothing when there are none."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f": did you mean {close[0]!r}?"
    return f": it is one of {', '.join(names)}" if names else ""
