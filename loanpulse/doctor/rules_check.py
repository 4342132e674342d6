"""The rules: that those in force are those of the files here, and that none are stuck on their way."""

import asyncio
from collections.abc import Iterator

from loanpulse.doctor.finding import Finding, bad, ok, warn
from loanpulse.doctor.site import Site
from loanpulse.rules.deployment import Deployment, deployment
from streams.runtime.redis_client import connect
from streams.runtime.rulebook import read_rulebook

_PATIENCE_MS = 10 * 60_000


def check_rules(site: Site) -> Iterator[Finding]:
    """Rules are in force, they are those of the files that the settings name, and none have been on their way for long."""
    found = asyncio.run(_read(site))
    if found.live is None:
        yield bad("no rules are in force yet", "loanpulse worker")
        return
    settings = site.settings
    here = read_rulebook(settings.rules, settings.config, settings.tz)
    if here.digest == found.live.book.digest:
        yield ok(f"the rules {here.digest} are in force, as the files here say")
    elif found.next is None or here.digest != found.next.book.digest:
        yield warn(
            f"the rules in force, {found.live.book.digest}, are not those of the files here, {here.digest}",
            "name their files by LOANPULSE_RULES, LOANPULSE_CONFIG and LOANPULSE_TZ;"
            " or put those that are named in force: loanpulse rules deploy",
        )
    if found.next is not None:
        yield _on_the_way(site, found)


async def _read(site: Site) -> Deployment:
    client = await connect(site.redis)
    try:
        return await deployment(client, site.settings.namespace)
    finally:
        await client.aclose()


def _on_the_way(site: Site, found: Deployment) -> Finding:
    assert found.next is not None  # asked by the caller
    text = f"the rules {found.next.book.digest} are on their way: {found.whole} of {len(found.ledgers)} ledgers have them"
    if site.now_ms - found.next.since_ms <= _PATIENCE_MS:
        return ok(text)
    return bad(f"{text} after more than ten minutes", "loanpulse rules status says what is waited for")
