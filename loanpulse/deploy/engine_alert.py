"""What alerts about the engine have in common."""

from collections.abc import Mapping

from loanpulse.deploy.alert import PREFIX, Alert, Proof, Recording, Seen, Token
from loanpulse.deploy.installation import Installation
from loanpulse.deploy.links import runbook_url
from schemas.alert import Severity

_TOKENS: Mapping[str, Token] = {
    "age": Token("{{ $value | humanizeDuration }}", ""),
    "share": Token("{{ $value | humanizePercentage }}", ""),
    "number": Token('{{ $value | printf "%.0f" }}', ""),
    **{
        label: Token(f"{{{{ $labels.{label} }}}}", "")
        for label in ("instance", "topic", "partition", "state", "reason", "window", "receiver")
    },
}
"""What a summary may say; a proof names what it then reads."""
RECENT_SECONDS = 600


def engine_alert(
    at: Installation,
    name: str,
    severity: Severity,
    held_seconds: float,
    expr: str,
    summary: str,
    means: str,
    proofs: tuple[Proof, ...],
    quiet: tuple[tuple[Seen, ...], ...] = (),
    kept_seconds: float = 0.0,
) -> Alert:
    """An alert about the engine; `name` without the prefix."""
    tokens = {token: put for token, put in _TOKENS.items() if f"<{token}>" in summary}
    return Alert(
        name=PREFIX + name,
        expr=expr,
        held_seconds=held_seconds,
        severity=severity,
        means=means,
        proofs=proofs,
        annotations={"summary": summary, "description": means, "runbook_url": runbook_url(at, name)},
        tokens=tokens,
        kept_seconds=kept_seconds,
        quiet=quiet,
    )


def grown(at: Installation, counter: str, witness: Recording) -> str:
    """Where a counter grew in the last ten minutes, or is new; `witness` had series even then if the counter could have had."""
    recent = at.span(RECENT_SECONDS)
    more = f"max without (instance) (increase({counter}[{recent}])) > 0"
    new = f"max without (instance) ({counter}) > 0 unless max without (instance) ({counter} offset {recent})"
    return f"{more}\nor\n{new} and on (job) {witness.name} offset {recent}"
