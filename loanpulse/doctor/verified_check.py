"""The last verification: that figures are what the stored cases come to."""

import asyncio
from collections.abc import Iterator

from loanpulse.doctor.finding import Finding, bad, ok, warn
from loanpulse.doctor.site import Site
from loanpulse.rules.verification import Verified, last_verified
from streams.runtime.redis_client import connect

_DAY_MS = 24 * 3_600_000


def check_verified(site: Site) -> Iterator[Finding]:
    """When ledgers were last verified against their cases, no figure differed, and that was in the last day."""
    found = asyncio.run(_read(site))
    if not found:
        yield ok("no ledger was verified yet: `loanpulse verify` counts the stored cases anew")
        return
    for one in found:
        place = f"{one.topic}/{one.partition}"
        if one.trouble:
            yield warn(f"{place} could not be verified: {one.trouble}", "loanpulse verify")
        elif not one.is_well:
            yield bad(
                f"{place}: {one.drift} figures, {one.clients} clients and {one.open_cases} open cases are not what its "
                "cases come to",
                f"loanpulse ledger rebuild {one.topic} {one.partition}",
            )
    oldest = min(one.at_ms for one in found)
    if site.now_ms - oldest > _DAY_MS:
        yield warn("a ledger was verified more than a day ago", "run loanpulse verify --every '1 hour'")
    elif all(one.is_well for one in found):
        yield ok(f"{len(found)} ledgers were verified, {sum(one.cells for one in found):,} figures are right")


async def _read(site: Site) -> list[Verified]:
    client = await connect(site.redis)
    try:
        return await last_verified(client, site.settings.namespace)
    finally:
        await client.aclose()
