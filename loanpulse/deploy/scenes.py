"""Series as the proofs of alerts tell them: what two readers show of one installation."""

from collections.abc import Mapping
from typing import Any

from loanpulse.deploy.alert import Level, Seen
from loanpulse.deploy.installation import JOB

READERS = ("serve-1:9464", "serve-2:9464")


def selected(family: str, **labels: str) -> str:
    """`family{label="value",…}`."""
    said = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{family}{{{said}}}" if said else family


def shown_by(reader: str, family: str, labels: Mapping[str, Any], *levels: Level) -> Seen:
    """A series of one reader: its level before, meanwhile and afterwards."""
    before, meanwhile, after = levels
    series = selected(family, job=JOB, instance=reader, **labels)
    return Seen(series, before, meanwhile, after)


def shown_by_all(family: str, labels: Mapping[str, Any], *levels: Level) -> tuple[Seen, ...]:
    """The same series of every reader: it must count once."""
    return tuple(shown_by(reader, family, labels, *levels) for reader in READERS)


def always(family: str, level: Level, **labels: str) -> tuple[Seen, ...]:
    """A series that stays as it is."""
    return shown_by_all(family, labels, level, level, level)
