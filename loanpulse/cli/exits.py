"""Which error ends a command how.

    0    it did what was asked
    1    it failed, or what it looked at is unhealthy
    2    bad input: one line names the file, line and field, or the variable or option
    130  Ctrl-C
    143  SIGTERM, 129 SIGHUP, after everything that was started is stopped; a worker, board, serve or dispatch ends with 0

Errors are known by name, so that naming them imports nothing. An error that stands in neither table is a bug of
ours and ends with its traceback.
"""

import sys
from collections.abc import Callable

import typer

OK, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

BAD_INPUTS = (
    "streams.runtime.settings.SettingsError",
    "streams.runtime.rulebook.ConfigError",
    "kpi_rules.loader.RuleError",
    "loanpulse.lab.failures.InputError",
    "loanpulse.doctor.gap.NoGapError",
    "loanpulse.rules.explain.ExplainError",
)
FAILURES = (
    "streams.runtime.ledger_errors.LedgerError",
    "streams.runtime.in_force.NotNow",
    "streams.runtime.redis_check.RedisUnfit",
    "streams.runtime.source.UnknownTopicError",
    "loanpulse.board.snapshot.SnapshotError",
    "loanpulse.lab.process.ServerError",
    "loanpulse.lab.failures.ProduceError",
    "loanpulse.lab.failures.ReplayError",
    "redis.exceptions.RedisError",
    "kafka.errors.KafkaError",
)


def outcome(command: Callable[[], object]) -> int:
    """The exit code of a command; trouble is told on stderr, in one line where it is not a bug."""
    try:
        result = command()
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except typer.TyperException as error:
        return _say(_usage(error), BAD_INPUT)
    except Exception as error:
        code = code_of(error)
        if code is None:
            raise
        return _say(str(error), code)
    return result if isinstance(result, int) else OK


def code_of(error: Exception) -> int | None:
    """BAD_INPUT or FAILED for the errors of the tables and their heirs, None for a bug."""
    names = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}
    if names & set(BAD_INPUTS):
        return BAD_INPUT
    return FAILED if names & set(FAILURES) else None


def _usage(error: typer.TyperException) -> str:
    """Typer's own complaint as one line: which command, what about it, where its options are told."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "loanpulse"
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    return f"{path}: {message.rstrip('.')} (see {path} --help)"


def _say(message: str, code: int) -> int:
    print(message, file=sys.stderr)
    return code
