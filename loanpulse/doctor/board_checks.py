"""The board: that somebody computes it, from everything, up to now."""

import asyncio
from collections.abc import Iterator

from loanpulse.board.reader import SnapshotReader
from loanpulse.board.snapshot import Meta, iso
from loanpulse.doctor.finding import Finding, bad, ok, warn
from loanpulse.doctor.site import Site
from streams.runtime.redis_client import connect


def check_board(site: Site) -> Iterator[Finding]:
    """There is a snapshot, it is fresh, and no ledger is missing from it."""
    meta, computed = asyncio.run(_read(site))
    if meta is None:
        yield bad(f"the namespace {site.settings.namespace} has no board", "loanpulse board")
        return
    yield _age(site, meta) if computed else bad("nobody computes the board any more", "loanpulse board")
    for lack in meta.incomplete:
        yield bad(f"the board is not whole: {lack}", "see ledgers")
    if site.settings.as_of is None and not meta.incomplete:
        yield _completeness(site, meta)


async def _read(site: Site) -> tuple[Meta | None, bool]:
    client = await connect(site.redis)
    try:
        reader = SnapshotReader(client, site.settings.namespace)
        snapshot = await reader.read()
        return snapshot.meta if snapshot else None, await reader.is_computed()
    finally:
        await client.aclose()


def _age(site: Site, meta: Meta) -> Finding:
    age = (site.now_ms - meta.computed_at_ms) / 1000
    text = f"the board is {age:.0f} s old, and took {meta.tick_seconds * 1000:.0f} ms to compute"
    fresh = age <= site.settings.stale_seconds or site.settings.as_of is not None
    return ok(text) if fresh else bad(text, "look into the log of loanpulse board")


def _completeness(site: Site, meta: Meta) -> Finding:
    if meta.complete_through_ms is None:
        return warn(
            "no partition has said yet up to when it is complete", "wait until a worker has taken them up"
        )
    behind = (site.now_ms - meta.complete_through_ms) / 1000
    text = f"it is complete through {iso(meta.complete_through_ms)}"
    if behind <= site.settings.stale_seconds:
        return ok(text)
    return bad(f"{text}: KPI series are hidden", "see lag; while a backlog is read, wait")
