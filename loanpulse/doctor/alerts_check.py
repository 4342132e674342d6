"""The outboxes: that alerts do not wait for their topic."""

from collections.abc import Iterator

from loanpulse.doctor.finding import Finding, ok, warn
from loanpulse.doctor.site import Site
from streams.runtime.keys import LedgerKeys, NamespaceKeys
from streams.runtime.outbox import written_ms


def check_alerts(site: Site) -> Iterator[Finding]:
    """Alerts are published as they are decided; none waits."""
    namespace = site.settings.namespace
    outboxes = {"the board": NamespaceKeys(namespace).board_outbox}
    outboxes |= {
        f"{topic}/{partition}": LedgerKeys(namespace, topic, partition).outbox
        for topic, partition in site.heads
    }
    late = False
    for whose, key in outboxes.items():
        for entry, _ in site.client.xrange(key, count=1):
            waits = (site.now_ms - written_ms(entry)) // 1000
            if waits > site.settings.stale_seconds:
                late = True
                yield warn(
                    f"{site.client.xlen(key)} alerts of {whose} wait for the topic {site.settings.alerts}, {waits} s so far",
                    "give its process LOANPULSE_KAFKA, see topics, and look into its log",
                )
    if not late:
        yield ok("no alert waits to be published")
