"""What a check has to say: how it stands, and if not well, what to do."""

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """The worst level of all findings decides the exit code: only BAD fails."""

    OK = 0
    WARN = 1
    BAD = 2


@dataclass(frozen=True)
class Finding:
    """One sentence, and the way to mend it where it is not OK."""

    level: Level
    text: str
    mend: str = ""


def ok(text: str) -> Finding:
    return Finding(Level.OK, text)


def warn(text: str, mend: str) -> Finding:
    """Right now the numbers are right, or nobody can tell; they may not stay so."""
    return Finding(Level.WARN, text, mend)


def bad(text: str, mend: str) -> Finding:
    """The numbers are wrong, old or missing, or will be after the next fault."""
    return Finding(Level.BAD, text, mend)
