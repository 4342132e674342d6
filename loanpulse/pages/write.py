"""Makes the pages of a set of rules, and writes them."""

from collections.abc import Mapping
from pathlib import Path

from kpi_rules.loader import rulebook
from kpi_rules.organisation import Organisation
from loanpulse.lab.failures import InputError
from loanpulse.pages.examples import read_examples
from loanpulse.pages.page import pages
from streams.runtime.rulebook import read_rules


def made(rules: Path | None) -> dict[str, str]:
    """The text of each page by its name, of the rules of a directory (None: the catalogue). Raises RuleError.

    Examples are worked in office hours, Monday to Friday 09:00 to 17:00 UTC: they explain a definition, not a lender.
    """
    files = read_rules(rules)
    examples = read_examples(rules, [rule.id for rule in rulebook(files)])
    return pages(files, examples, Organisation())


def write(texts: Mapping[str, str], into: Path) -> None:
    """Write pages below a directory, which is made if need be; other files in it stay. Raises InputError."""
    try:
        for name, text in texts.items():
            path = into / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    except OSError as error:
        raise InputError(f"{error.filename or into}: cannot be written: {error.strerror}") from None
