"""Where a case stands, in a terminal: its clocks in words, then its story."""

from rich.console import RenderableType
from rich.text import Text

from loanpulse.cases.sentences import sentences
from loanpulse.cases.standing import Standing
from loanpulse.cli.case_text import case_text
from loanpulse.cli.cases_text import LOOKS
from loanpulse.serve.shown import Shown


def standing_text(standing: Standing, shown: Shown) -> list[RenderableType]:
    """What is printed, one under the other."""
    told = [_line(band, words) for band, words in sentences(standing, shown)]
    missing = [
        Text(f"not everything is told: {lacking}", style="bold red") for lacking in standing.incomplete
    ]
    above: list[RenderableType] = [*missing, *told]
    return [*above, *([""] if above else []), *case_text(standing.story)]


def _line(band: str, words: str) -> Text:
    if not band:
        return Text(words)
    colour, shape = LOOKS[band]
    return Text.assemble((f"{shape} ", colour), words)
