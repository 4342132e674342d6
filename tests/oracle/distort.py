"""How facts are said again: repeated, under another id, contradicted, revised, retracted, revived."""

import copy
from collections.abc import Iterator

from tests.oracle.facts import STAFF, TYPES, key_of, time_ms
from tests.oracle.speaker import NEVER_REVISED, SOURCES, Event, Speaker

TAKEN_BACK = {"loan.defaulted": 0.4}
"""How often a fact is retracted, where that denies more than itself."""


def distortions(s: Speaker, event: Event, nastiness: float) -> Iterator[Event]:
    """Further events about the fact of a true one; the chance of each shape grows with nastiness."""
    rng, name = s.rng, event["type"]
    if rng.random() < 0.2 * nastiness:
        yield copy.deepcopy(event)
    if name == NEVER_REVISED:
        return
    if rng.random() < 0.12 * nastiness:
        yield _again(s, event, same_id=True)
    if rng.random() < 0.12 * nastiness and TYPES[name].per != "event":
        yield _again(s, event, same_id=False)
    latest = event
    for _ in range(3):
        if rng.random() >= 0.2 * nastiness:
            break
        latest = _revision(s, latest)
        yield latest
    if rng.random() < TAKEN_BACK.get(name, 0.15) * nastiness:
        yield from _retraction(s, latest, revived=rng.random() < 0.4)


def _again(s: Speaker, event: Event, same_id: bool) -> Event:
    """The fact stated anew: other fields, other dimensions, the same time or another; revision as before."""
    name, rng = event["type"], s.rng
    per, data, at = TYPES[name].per, event["data"], time_ms(event["time"])
    own = {field: data[field] for field in ("customer_id", "officer_id", per or "") if field in data}
    if TYPES[name].topic != STAFF:
        own.pop("officer_id", None)
    if name in ("loan.funded", "product.offered") and rng.random() < 0.7:
        own |= {field: data[field] for field in ("product", "lead_id") if field in data}
    shift = rng.choice((0, 0, -1, 1, None))
    moved = s.instants.after(at) if shift is None else s.instants.kept(at + shift)
    source, number = (event["source"], int(event["id"])) if same_id else (rng.choice(SOURCES), s.next_id())
    said = s.restate(name, key_of(event), event["subject"], moved, source, number, own)
    if event.get("revision"):
        said["revision"] = event["revision"]
    return said


def _revision(s: Speaker, event: Event) -> Event:
    """A higher revision, under the same id where each event is a fact, else under either."""
    same_id = TYPES[event["type"]].per == "event" or s.rng.random() < 0.5
    said = _again(s, event, same_id)
    said["revision"] = (event.get("revision") or 0) + s.rng.choice((1, 1, 1, 7))
    return said


def _retraction(s: Speaker, event: Event, revived: bool) -> Iterator[Event]:
    """A retraction repeats the fields with a higher revision; a still higher one brings the fact back."""
    taken_back = copy.deepcopy(event)
    taken_back |= {"revision": (event.get("revision") or 0) + 1, "retracted": True}
    yield taken_back
    if revived:
        yield _revision(s, {**taken_back, "retracted": False})
