"""The one table of Redis keys: complete, documented, unambiguous, and no script leaves the keys it was given."""

import asyncio
import re
from pathlib import Path

import pytest
from redis.asyncio import Redis

from streams.runtime import keys as keys_module
from streams.runtime.keys import LedgerKeys, NamespaceKeys
from streams.runtime.ledger import Ledger
from tests.ledger_lab import OWNER, SOURCE, VERSION, batch, begin, loaded, on_redis, opened, pane_logs, writes

SCRIPTS = Path(keys_module.__file__).with_name("scripts")
LEDGER, SHARED = LedgerKeys("ns", "topic", 3), NamespaceKeys("ns")
ROWS = re.findall(r"^\| `([^`]+)` \| ([a-z ]+) \|", keys_module.__doc__ or "", re.MULTILINE)


def documented() -> dict[str, str]:
    """Key → type, as the table of the module says, of one ledger, version and pane."""
    filled = {"ns/topic/partition": "ns/topic/3", "<version>": VERSION, "<pane id>": "s"}
    return {re.sub("|".join(filled), lambda found: filled[found[0]], key): kind for key, kind in ROWS}


def test_the_table_names_every_key_and_no_other() -> None:
    version = LEDGER.version(VERSION)
    built = {
        LEDGER.head,
        LEDGER.cases,
        LEDGER.before,
        LEDGER.versions,
        LEDGER.alerts,
        LEDGER.outbox,
        version.watch,
        version.panes + "s",
    }
    built |= {version.clients, version.dirty, version.lengths, version.gens, version.groups, version.build}
    built |= {
        SHARED.ledgers,
        SHARED.rules,
        SHARED.verified,
        SHARED.board_lease,
        SHARED.board_meta,
        SHARED.board_rows,
    }
    built |= {SHARED.board_roster, SHARED.board_alerts, SHARED.board_outbox}
    built |= {SHARED.incidents, SHARED.incident_names, SHARED.undelivered, SHARED.deliveries, SHARED.silences}
    built.add(SHARED.due("desk").replace("desk", "<receiver>"))
    assert set(documented()) == built


@on_redis
async def test_redis_holds_the_documented_keys_with_the_documented_types(ledger: Ledger) -> None:
    ledger.keys = LEDGER
    await tell_everything(ledger)
    kinds = {key.replace(VERSION, "rules"): kind for key, kind in documented().items()}
    for key in [key.decode() async for key in ledger.redis.scan_iter()]:
        name = re.sub(r"rules-\d|(?<=/pane/)\w+", lambda found: "rules" if found[0][0] == "r" else "s", key)
        kind = (await ledger.redis.execute_command("TYPE", key)).decode()
        assert {"zset": "sorted set"}.get(kind, kind) == kinds[name], key


def test_a_ledgers_keys_share_a_hash_tag_that_no_other_ledger_has() -> None:
    version = LEDGER.version(VERSION)
    for key in (LEDGER.head, LEDGER.cases, version.clients, version.panes + "m0", version.build):
        assert re.match(r"\{([^}]+)\}", key)[1] == "ns/topic/3"  # type: ignore[index]  # None would fail here, as it should
    tags = {
        LedgerKeys(*names).tag for names in (("ns", "topic", 31), ("ns", "topic.3", 1), ("ns.topic", "3", 1))
    }
    assert len(tags) == 3


@pytest.mark.parametrize("name", ["", "a/b", "a{b", "a}b", "a b", "ä"])
def test_a_name_that_would_break_the_hash_tag_is_an_error(name: str) -> None:
    for build in (
        lambda: LedgerKeys(name, "topic", 0),
        lambda: LedgerKeys("ns", name, 0),
        lambda: NamespaceKeys(name),
        lambda: LEDGER.version(name),
    ):
        with pytest.raises(ValueError, match=re.escape(repr(name))):
            build()


def test_every_script_says_which_keys_it_takes_and_what_it_gives() -> None:
    scripts = sorted(SCRIPTS.glob("*.lua"))
    assert len(scripts) > 5
    for script in scripts:
        header = re.match(r"(--[^\n]*\n)+", script.read_text())
        assert header
        if script.stem != "prelude":
            assert all(word in header[0] for word in ("-- KEYS  ", "-- ARGV  ", "-- Gives ")), script.name


async def tell_everything(ledger: Ledger) -> None:
    """One use of every method."""
    await begin(ledger)
    await ledger.begin_version(OWNER, "rules-2")
    building = writes(version="rules-2", panes={"s": b"row"}, clients={b"c": b"l"}, groups_new=["bo"])
    step = await ledger.append_version(OWNER, 0, building)
    beside = writes(version="rules-2", panes={"m1": b"row"}, groups_known=1)
    whole = batch(
        0,
        10,
        cases={b"1": b"facts", b"2": None},
        clients={b"c": b"l", b"d": None},
        panes={"s": b"row", "m1": b"row"},
        groups_new=["bo"],
        counts={"applied": 1},
        beside=beside,
    )
    await ledger.commit(OWNER, whole)
    await ledger.tick(OWNER, 10, 1000, "caught up")
    await ledger.compact(OWNER, VERSION, "s", 3, b"sum")
    await ledger.drop_panes(OWNER, VERSION, ["m1"])
    assert await pane_logs(ledger) == {"s": b"sum"}
    await loaded(ledger, [b"1"], [b"c"], VERSION)
    await ledger.lengths(VERSION, ["s"])
    await ledger.finish_version(OWNER, "rules-2", step)
    await ledger.flip(OWNER, "rules-2", VERSION, keep=True)
    await ledger.flip(OWNER, VERSION, "rules-2", keep=True)
    await ledger.flip(OWNER, "rules-2", VERSION, keep=False)
    assert await pane_logs(ledger) == {"s": b"row", "m1": b"row"}
    await ledger.drop_version(OWNER, VERSION)
    assert [cases async for cases in ledger.scan_cases()] == [[(b"1", b"facts")]]
    await ledger.accept_gap(SOURCE, 20, 2000, "log cut")
    await ledger.begin_version((await ledger.acquire(OWNER, SOURCE)).owner, "rules-3")


def test_no_script_touches_a_key_that_it_was_not_given(redis_url: str, namespace: str) -> None:
    async def story() -> None:
        async with Redis.from_url(redis_url).monitor() as monitor, opened(redis_url, namespace) as ledger:
            await tell_everything(ledger)
            await ledger.redis.execute_command("ECHO", "over")
            given: set[str] = set()
            calls = 0
            while (seen := await monitor.next_command())["command"] != "ECHO over":
                words = seen["command"].split(" ")
                if words[0] in ("EVAL", "EVALSHA"):
                    given = keys_given(seen["command"])
                elif seen["client_type"] == "lua":
                    calls += 1
                    touched = words[1:] if words[0] == "UNLINK" else words[1:2]
                    assert set(touched) <= given, seen["command"]
            assert calls > 100

    asyncio.run(story())


def keys_given(command: str) -> set[str]:
    """The keys of an EVAL or EVALSHA as MONITOR shows it; the text of a script holds spaces, the keys hold none."""
    numbered = re.search(r" (\d+) (\{test-.*)", command, re.DOTALL)
    assert numbered
    return set(numbered[2].split(" ")[: int(numbered[1])])
