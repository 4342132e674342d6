"""What changed cases change in panes: observe(after) − observe(before), by one program."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from streams.calculus.client import Client, View, decode_client, encode_client
from streams.calculus.fold import Change
from streams.calculus.open_cases import OpenCase
from streams.calculus.panes import Deltas, Observation
from streams.calculus.program import Program

Opened = dict[tuple[int, bytes], OpenCase | None]
"""What cases show watches now, by the watch's index and the case's id; None: open no more."""
Shown = dict[str, list[tuple[int, str, View | None]]]
"""What cases show their clients, by partition key: the fact's code, the case's subject, and the view (None: no more)."""


class Difference:
    """Adds to panes' deltas what changes come to."""

    def __init__(self, program: Program, deltas: Deltas) -> None:
        self._program = program
        self._deltas = deltas

    def of_cases(self, changes: Iterable[Change]) -> Shown:
        """Observe the cases before and after; returns what they show their clients."""
        program, shown = self._program, Shown()
        for change in changes:
            kind, key, subject = change.name
            before = [] if change.before is None else program.observe(kind, change.types, change.before)
            self._add(before, program.observe(kind, change.types, change.after))
            for code, view in self._shows(change):
                shown.setdefault(key, []).append((code, subject, view))
        return shown

    def of_open_cases(self, changes: Iterable[Change]) -> Opened:
        """The cases as they are open now, and those that were open before."""
        opened = Opened()
        for change in changes:
            for watch in self._program.watching(change.name[0], change.types):
                found = watch.opened(change.after)
                if found is not None or (change.before is not None and watch.is_open(change.before)):
                    opened[watch.index, change.identity] = found
        return opened

    def _shows(self, change: Change) -> Iterable[tuple[int, View | None]]:
        """What the case shows its client, less what it showed before the batch."""
        kind, _, _ = change.name
        after = self._program.views(kind, change.types, change.after)
        if not after or change.before is None:
            return after
        before = dict(self._program.views(kind, change.types, change.before))
        return [(code, view) for code, view in after if view != before[code]]

    def of_clients(self, shown: Shown, blobs: Mapping[bytes, bytes | None]) -> dict[bytes, bytes]:
        """Observe the clients before and after they were shown something; returns the blobs of those that changed.

        `blobs` are the clients as they are stored, by partition key; None where there is none.
        """
        written = {}
        for key, views in shown.items():
            name = key.encode()
            blob = blobs[name]
            seen = _Seen(Client() if blob is None else decode_client(blob))
            for code, subject, view in views:
                seen.show(code, subject, view)
            if seen.changed and seen.before is not None:
                codes = None if seen.before.quarantined != seen.client.quarantined else seen.changed
                self._add(
                    self._program.observe_client(codes, seen.before),
                    self._program.observe_client(codes, seen.client),
                )
                written[name] = encode_client(seen.client)
        return written

    def of_new_client(self, client: Client) -> None:
        """Observe a client that was not counted before."""
        self._deltas.add(self._program.observe_client(None, client), 1)

    def _add(self, before: list[Observation], after: list[Observation]) -> None:
        if before:
            before, after = _without_common(before, after)
            self._deltas.add(before, -1)
        if after:
            self._deltas.add(after, 1)


def _without_common(
    before: list[Observation], after: list[Observation]
) -> tuple[list[Observation], list[Observation]]:
    """What only one of the two has; both stand in the order of the measures."""
    gone, come = [], list(after)
    for seen in before:
        try:
            come.remove(seen)
        except ValueError:
            gone.append(seen)
    return gone, come


@dataclass(slots=True)
class _Seen:
    """A client that cases show something to, and what of it changed."""

    client: Client
    before: Client | None = None
    changed: set[int] = field(default_factory=set)

    def show(self, code: int, subject: str, view: View | None) -> None:
        if self.client.of(code).get(subject) == view:
            return
        if self.before is None:
            self.before = self.client.copy()
        self.client.show(code, subject, view)
        self.changed.add(code)
