"""A copy of the catalogue for a lender to change: rules, the examples of their pages, the form for editors."""

from importlib.resources import files
from pathlib import Path

from kpi_rules.rule_schema import schema_text
from loanpulse.lab.failures import InputError

SCHEMA = "schema.json"
MODELINE = f"# yaml-language-server: $schema={SCHEMA}\n"
"""At the head of a rule file; by it an editor finds the form."""
_EXAMPLES = "examples"


def copy_catalogue(into: Path) -> int:
    """Write the catalogue into a directory, which is made if need be; how many rule files that is.

    Raises InputError where rules are already: a second copy would undo what was changed.
    """
    _demand_no_rules(into)
    catalogue = files("kpi_rules") / "catalogue"
    rules = [item for item in catalogue.iterdir() if item.name.endswith(".yaml")]
    examples = [item for item in (catalogue / _EXAMPLES).iterdir() if item.name.endswith(".yaml")]
    try:
        (into / _EXAMPLES).mkdir(parents=True, exist_ok=True)
        for item in rules:
            (into / item.name).write_text(MODELINE + item.read_text("utf-8"), "utf-8")
        for item in examples:
            (into / _EXAMPLES / item.name).write_text(item.read_text("utf-8"), "utf-8")
        (into / SCHEMA).write_text(schema_text(), "utf-8")
    except OSError as error:
        raise InputError(f"{error.filename or into}: cannot be written: {error.strerror}") from None
    return len(rules)


def _demand_no_rules(into: Path) -> None:
    found = sorted(path.name for path in into.glob("*.yaml"))
    if found:
        raise InputError(
            f"{into}: has rules already, such as {found[0]}: name a directory without *.yaml files"
        )
