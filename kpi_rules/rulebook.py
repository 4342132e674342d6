"""A rulebook: rule files and the organisation that they are for, as one value that can be stored, compared and put in force."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from kpi_rules.loader import LoadedFile, load, rulebook
from kpi_rules.model import Rule
from kpi_rules.organisation import Organisation


class Area(NamedTuple):
    """A key responsibility area and the ids of its rules."""

    kra: str
    title: str
    kpis: Sequence[str]


def kras_of(areas: Iterable[Area]) -> dict[str, str]:
    """The area of each rule."""
    return {kpi: area.kra for area in areas for kpi in area.kpis}


@dataclass(frozen=True)
class Rulebook:
    """Everything that a lender says about its KPIs.

    Invariants:
        what_is_stored_says_the_same
        the_digest_is_of_what_is_said_and_not_of_how
    """

    files: tuple[LoadedFile, ...]
    organisation: Organisation

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """Raises RuleError if two files contradict each other."""
        return tuple(rulebook(self.files))

    @cached_property
    def areas(self) -> tuple[Area, ...]:
        contents = (loaded.content for loaded in self.files)
        return tuple(
            Area(content.kra, content.title, tuple(rule.id for rule in content.rules)) for content in contents
        )

    @cached_property
    def digest(self) -> str:
        """Names the book by its content; comments and the writing of the files change nothing."""
        said = {
            "files": [loaded.content.model_dump(mode="json") for loaded in self.files],
            "organisation": self._organisation,
        }
        text = json.dumps(said, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_json(self) -> str:
        """As `from_json` reads it."""
        return json.dumps(
            {
                "files": [{"name": loaded.name, "text": loaded.text} for loaded in self.files],
                "organisation": self._organisation,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "Rulebook":
        """Raises RuleError for rules that this version does not read, ValueError for anything else."""
        said = json.loads(text)
        files = tuple(load(file["name"], file["text"]) for file in said["files"])
        return cls(files, Organisation.model_validate(said["organisation"]))

    @property
    def _organisation(self) -> dict[str, object]:
        document = self.organisation.model_dump(mode="json")
        return document | {"system_users": sorted(self.organisation.system_users)}
