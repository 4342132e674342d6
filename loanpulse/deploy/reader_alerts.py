"""Alerts about the readers (`loanpulse serve`) and the Redis behind them."""

from collections.abc import Iterator

from loanpulse.deploy import recordings
from loanpulse.deploy.alert import Alert, Level, Proof, Seen
from loanpulse.deploy.engine_alert import engine_alert
from loanpulse.deploy.installation import JOB, Installation
from loanpulse.deploy.scenes import READERS, always, selected, shown_by, shown_by_all

ABSENT, STALE, REDIS_DOWN = "Absent", "Stale", "RedisDown"
READER_STALE, REDIS_MEMORY, REDIS_FULL = "ReaderStale", "RedisMemory", "RedisFull"
FULL, ALMOST_FULL = 0.95, 0.8
_FIRST, _SECOND = READERS
_STALE = "loanpulse_snapshot_stale"
_MEBI = 2**20
_OUTLASTS_SECONDS = 60.0
"""A loss of figures is over a little later than it is: by then what it silenced fires again, and is not told to be over."""


def reader_alerts(at: Installation) -> Iterator[Alert]:
    """In the order in which they are worth looking at."""
    yield _absent(at)
    yield _reader_down(at)
    yield _stale(at)
    yield _reader_stale(at)
    yield _redis_down(at)
    yield _redis_memory(at, REDIS_FULL, FULL)
    yield _redis_memory(at, REDIS_MEMORY, ALMOST_FULL)


def _absent(at: Installation) -> Alert:
    return engine_alert(
        at, ABSENT, "critical", 120,
        f"absent({_STALE})",
        "Prometheus gets nothing from LoanPulse",
        "No reader (loanpulse serve) answers Prometheus: nothing is known of any KPI or case.",
        (Proof(shown_by_all(_STALE, {}, 0, None, 0)),),
        (_only_the_first(_STALE, 0, None),),
        _OUTLASTS_SECONDS,
    )  # fmt: skip


def _reader_down(at: Installation) -> Alert:
    well = shown_by("serve-2:9464", "up", {}, 1, 1, 1)
    return engine_alert(
        at, "ReaderDown", "warning", 300,
        f"{selected('up', job=JOB)} == 0",
        "The reader <instance> does not answer",
        "A reader (loanpulse serve) does not answer Prometheus; the others show the same figures.",
        (
            Proof(
                (shown_by(_FIRST, "up", {}, 1, 0, 1), well),
                labels={"instance": _FIRST},
                shown={"instance": _FIRST},
            ),
        ),
        ((*always("up", 1), Seen(selected("up", job="other", instance="x"), 0, 0, 0)),),
    )  # fmt: skip


def _stale(at: Installation) -> Alert:
    return engine_alert(
        at, STALE, "critical", 60,
        f"{recordings.STALE.name} == 1",
        "LoanPulse shows no figures: they are too old or not complete",
        "No reader has a board that is young and complete enough: all KPI series are hidden until there is one.",
        (Proof(shown_by_all(_STALE, {}, 0, 1, 0)),),
        (_only_the_first(_STALE, 1, 0),),
        _OUTLASTS_SECONDS,
    )  # fmt: skip


def _reader_stale(at: Installation) -> Alert:
    return engine_alert(
        at, READER_STALE, "warning", 300,
        f"{_STALE} == 1 unless on (job) {recordings.STALE.name} == 1",
        "The reader <instance> shows no figures, others do",
        "One reader (loanpulse serve) has no board to show while another has: it does not reach Redis, or its clock is wrong.",
        (
            Proof(
                (shown_by(_FIRST, _STALE, {}, 0, 1, 0), shown_by(_SECOND, _STALE, {}, 0, 0, 0)),
                labels={"instance": _FIRST},
                shown={"instance": _FIRST},
            ),
        ),
        (always(_STALE, 1),),
    )  # fmt: skip


def _redis_down(at: Installation) -> Alert:
    up = "loanpulse_redis_up"
    return engine_alert(
        at, REDIS_DOWN, "critical", 60,
        f"{recordings.REDIS_UP.name} == 0",
        "Redis does not answer",
        "No reader reaches Redis: workers wait, figures stand still, nothing is lost.",
        (Proof(shown_by_all(up, {}, 1, 0, 1)),),
        (_only_the_first(up, 0, 1),),
        _OUTLASTS_SECONDS,
    )  # fmt: skip


def _redis_memory(at: Installation, name: str, share: float) -> Alert:
    used, limit = "loanpulse_redis_memory_bytes", "loanpulse_redis_memory_limit_bytes"
    below, above = round(share * 1000) * _MEBI, round(share * 1000 + 10) * _MEBI
    limited = always(limit, 1000 * _MEBI)
    full = name == REDIS_FULL
    return engine_alert(
        at, name, "critical" if full else "warning", 60 if full else 600,
        f"max without (instance) ({used}) / max without (instance) ({limit}) > {share}",
        "Redis uses <share> of its memory",
        f"Redis uses more than {share:.0%} of its maxmemory; when it is full it refuses writes, and figures stand still.",
        (Proof((*shown_by_all(used, {}, below, above, below), *limited), shown={"share": f"{share * 100 + 1:g}%"}),),
        ((*always(used, above),), (*always(used, below), *limited)),
    )  # fmt: skip


def _only_the_first(family: str, first: Level, second: Level) -> tuple[Seen, ...]:
    """Of two readers the first is unwell."""
    return (
        shown_by(_FIRST, family, {}, first, first, first),
        shown_by(_SECOND, family, {}, second, second, second),
    )
