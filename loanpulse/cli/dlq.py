"""`loanpulse dlq`: what was rejected, and why."""

from typing import Annotated

import typer

from loanpulse.cli import options
from loanpulse.cli.exits import FAILED, OK
from loanpulse.cli.places import at_work

dlq = typer.Typer(help="What was rejected, and why.")


@dlq.command("list")
def list_letters(
    last: Annotated[
        int, typer.Option(min=1, help="How many letters to look at, from the newest back.")
    ] = 1000,
    reason: Annotated[str | None, typer.Option(help="Only those with this reason, such as invalid.")] = None,
    kafka: options.Kafka = None,
) -> None:
    """List dead letters: how often each complaint, and where it was seen last."""
    from collections import Counter

    from loanpulse.cli.output import console, table
    from loanpulse.doctor.letters import letters
    from streams.runtime.dead_letters import Told

    settings = at_work(options.settings_from(kafka=kafka), "kafka")
    found = {
        letter.told.position: letter.told
        for letter in letters(str(settings.kafka), settings.dead_letters, last)
    }
    seen: Counter[tuple[str, str]] = Counter()
    newest: dict[tuple[str, str], Told] = {}
    for told in found.values():
        if reason is None or told.reason == reason:
            seen[told.reason, told.field or ""] += 1
            newest[told.reason, told.field or ""] = told
    listed = table("letters>", "reason", "field", "last seen at", "what was wrong there")
    for (why, field), number in seen.most_common():
        told = newest[why, field]
        listed.add_row(f"{number:,}", why, field, told.position, told.message)
    if seen:
        console().print(listed)
    else:
        print("no dead letters")


@dlq.command()
def show(
    position: Annotated[str, typer.Argument(metavar="TOPIC/PARTITION@OFFSET", help="As dlq list names it.")],
    kafka: options.Kafka = None,
) -> int:
    """Show one dead letter: the complaint, and the record as it came."""
    import sys

    from loanpulse.doctor.letters import letters

    settings = at_work(options.settings_from(kafka=kafka), "kafka")
    for letter in letters(str(settings.kafka), settings.dead_letters):
        if letter.told.position == position:
            for name, value in letter.told._asdict().items():
                if value is not None:
                    print(f"{name + ':':<14}{value}")
            print(f"{'key:':<14}{_text(letter.key)}\n")
            print(_text(letter.value))
            return OK
    print(f"there is no dead letter of {position} in {settings.dead_letters}", file=sys.stderr)
    return FAILED


def _text(raw: bytes | None) -> str:
    """Bytes as text, those that are none as escapes; a tombstone has none."""
    return "(none)" if raw is None else raw.decode("utf-8", "backslashreplace")
