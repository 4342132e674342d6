"""`loanpulse rules copy`: a lender's own rules begin as the catalogue, and what it has written is never overwritten."""

from pathlib import Path

import pytest

from kpi_rules.book_differences import book_differences
from loanpulse.lab.failures import InputError
from loanpulse.pages.write import made
from loanpulse.rules.copying import MODELINE, copy_catalogue
from streams.runtime.rulebook import read_rulebook


def test_a_copy_says_what_the_catalogue_says(tmp_path: Path) -> None:
    place = tmp_path / "of/our/own"
    count = copy_catalogue(place)
    copied, catalogue = (read_rulebook(rules, None, "UTC") for rules in (place, None))
    assert not book_differences(catalogue, copied)
    assert copied.digest == catalogue.digest
    assert count == len(copied.files)
    assert made(place) == made(None)


def test_an_editor_finds_the_form_beside_each_rule_file(tmp_path: Path) -> None:
    copy_catalogue(tmp_path)
    assert '"$schema"' in (tmp_path / "schema.json").read_text()
    assert all(path.read_text().startswith(MODELINE) for path in tmp_path.glob("*.yaml"))


def test_rules_that_are_there_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("mine")
    with pytest.raises(InputError, match=r"has rules already, such as own\.yaml: name a directory without"):
        copy_catalogue(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["own.yaml"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file.*: cannot be written: Not a directory"):
        copy_catalogue(tmp_path / "file" / "rules")
