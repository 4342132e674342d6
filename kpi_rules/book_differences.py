"""What one rulebook says otherwise than another: rules, areas, organisation."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kpi_rules.differences import Change, Difference, differences
from kpi_rules.organisation_differences import organisation_differences
from kpi_rules.rulebook import Area, Rulebook, kras_of


@dataclass(frozen=True)
class BookDifferences:
    """All that differs; each part is empty where it is the same."""

    rules: Sequence[Difference]
    areas: Sequence[Change]
    organisation: Sequence[Change]

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.rules or self.areas or self.organisation)


def book_differences(old: Rulebook, new: Rulebook) -> BookDifferences:
    """What changes for people if one book takes the other's place."""
    return BookDifferences(
        differences(old.rules, new.rules),
        list(_areas(old.areas, new.areas)),
        organisation_differences(old.organisation, new.organisation, new.rules),
    )


def _areas(old: Iterable[Area], new: Iterable[Area]) -> Iterator[Change]:
    """Titles that differ, and rules that both books have, in another area each."""
    titles = [{area.kra: area.title for area in areas} for areas in (old, new)]
    homes = [kras_of(areas) for areas in (old, new)]
    for what, (was, will) in (("title of", titles), ("area of", homes)):
        for name in was:
            if name in will and was[name] != will[name]:
                yield Change(f"{what} {name}", was[name], will[name], recounts=False)
