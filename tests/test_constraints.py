"""The pins cover everything that an installation brings, and name no place to take it from."""

import re
from collections.abc import Iterator
from importlib.metadata import requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

ROOT = Path(__file__).parent.parent
LINES = (ROOT / "constraints.txt").read_text().splitlines()


def needed(name: str, extras: frozenset[str], seen: set[NormalizedName]) -> Iterator[NormalizedName]:
    """The names of all that an installed distribution needs here, itself not included."""
    for text in requires(name) or []:
        requirement = Requirement(text)
        asked = requirement.marker is None or any(
            requirement.marker.evaluate({"extra": extra}) for extra in extras | {""}
        )
        found = canonicalize_name(requirement.name)
        if asked and found not in seen:
            seen.add(found)
            yield found
            yield from needed(found, frozenset(requirement.extras), seen)


def test_a_pin_is_a_name_and_a_version_and_nothing_else() -> None:
    for line in LINES:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.!+-]*", line), line
    names = [canonicalize_name(line.split("==")[0]) for line in LINES]
    assert names == sorted(set(names))


def test_every_dependency_of_a_dependency_is_pinned_to_what_is_tested_here() -> None:
    pins = {canonicalize_name(line.split("==")[0]): line.split("==")[1] for line in LINES}
    names = set(needed("loanpulse", frozenset({"dev"}), {canonicalize_name("loanpulse")}))
    missing = sorted(names - pins.keys())
    assert not missing
    assert {name: version(name) for name in names} == {name: pins[name] for name in names}
    superfluous = sorted(pins.keys() - names)
    assert not superfluous
