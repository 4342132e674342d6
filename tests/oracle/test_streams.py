"""The generator keeps its promises, and the recount does not mind the order or repetition of events."""

import ast
import json
import random
from collections import defaultdict
from pathlib import Path

from hypothesis import given
from hypothesis import settings as hypothesis_settings

from tests.oracle.facts import TYPES, key_of, merge, statement, time_ms
from tests.oracle.recount import recount
from tests.oracle.script import said
from tests.oracle.speaker import NEVER_REVISED, Event
from tests.oracle.stories import STORIES
from tests.oracle.streams import (
    END,
    START,
    ZONES,
    event_streams,
    generate,
    instants_to_look_from,
    settings,
    smallest,
)


def test_the_oracle_imports_nothing_of_the_product() -> None:
    product = {"schemas", "kpi_rules", "streams", "loanpulse"}
    for path in Path(__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, path
                names = [node.module or ""]
            assert not product & {name.split(".")[0] for name in names}, path


def test_the_same_seed_gives_the_same_events_and_another_seed_others() -> None:
    assert generate(5, 20) == generate(5, 20)
    assert generate(5, 20) != generate(6, 20)


def test_every_type_and_every_distortion_occurs() -> None:
    events = generate(1, 1500)
    assert {event["type"] for event in events} == set(TYPES)
    facts: dict[object, list[Event]] = defaultdict(list)
    for event in events:
        one = statement(event)
        facts[one.case, one.type, one.instance].append(event)
    assert any(event.get("retracted") for event in events)
    assert any(len({e["id"] for e in same}) > 1 for same in facts.values())
    assert any(e.get("revision") and not e.get("retracted") for same in facts.values() for e in same)
    assert len({json.dumps(event, sort_keys=True) for event in events}) < len(events)


def test_times_lie_in_the_span_and_status_reports_are_never_said_in_two_ways() -> None:
    contents = defaultdict(set)
    for event in generate(2, 800):
        assert START <= time_ms(event["time"]) <= END
        if event["type"] == NEVER_REVISED:
            identity = event["source"], event["id"], key_of(event), event["subject"]
            contents[identity].add(json.dumps(event, sort_keys=True))
            assert not event.get("revision")
            assert not event.get("retracted")
    assert all(len(said_as) == 1 for said_as in contents.values())


def test_kinds_can_be_chosen() -> None:
    kinds = {TYPES[event["type"]].kind for event in generate(3, 50, kinds=["complaint", "query"])}
    assert kinds == {"complaint", "query"}


def test_nastiness_nought_tells_each_story_once() -> None:
    events = generate(4, 100, nastiness=0)
    assert not any(event.get("revision") or event.get("retracted") for event in events)


@hypothesis_settings(max_examples=25, deadline=None)
@given(events=event_streams(max_cases=8))
def test_order_and_repetition_change_no_row(events: list[Event]) -> None:
    mixed = events + events[: len(events) // 2]
    random.Random(0).shuffle(mixed)
    chosen = settings(len(events), ZONES[len(events) % len(ZONES)])
    for as_of in instants_to_look_from(events, 1, 2):
        assert recount(events, as_of, **chosen) == recount(mixed, as_of, **chosen)


def test_a_stream_fills_every_kpi() -> None:
    rows = recount(generate(7, 1500), END)
    filled = {row["kpi"] for row in rows if row["n"]}
    assert filled == {row["kpi"] for row in rows}
    assert len(filled) == 49


def test_groups_add_up_to_the_whole_where_they_must() -> None:
    rows = recount(generate(8, 400), END, kpis={"approval_rate", "repeat_clients", "average_loan_amount"})
    wholes = [r for r in rows if not {"officer", "branch", "product", "channel"} & set(r["group"])]
    assert wholes
    for whole in wholes:
        for dimension in ("officer", "branch", "product", "channel"):
            parts = [
                r
                for r in rows
                if (r["kpi"], r["window"]) == (whole["kpi"], whole["window"])
                and dimension in r["group"]
                and whole["group"].items() <= r["group"].items()
            ]
            for member in ("n", "numerator"):
                assert sum(part[member] for part in parts) == whole[member]


def test_the_smallest_failing_stream_has_nothing_to_spare() -> None:
    needed = [said("loan.paid_off", "L", "2026-01-01"), said("loan.defaulted", "L", "2026-01-02")]
    events = generate(9, 30, kinds=["query", "survey"]) + needed
    random.Random(1).shuffle(events)

    def fails(some: list[Event]) -> bool:
        return all(event in some for event in needed)

    assert sorted(smallest(events, fails), key=lambda e: str(e["time"])) == needed


def test_no_case_grows_beyond_two_hundred_instances() -> None:
    cases = merge(generate(10, 600, nastiness=3.0), END)
    assert max(sum(len(found) for found in case.facts.values()) for case in cases.values()) < 200
    assert set(STORIES) >= {"loan", "training"}
