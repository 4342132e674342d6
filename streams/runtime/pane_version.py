"""A version of a ledger's panes in the hands of its owner: what batches write into it, and how it comes to be.

A version is named `<digest of its program>.<n>`.
"""

from collections.abc import Iterable
from itertools import islice

from streams.calculus.client import Client, encode_client
from streams.calculus.difference import Difference, Opened, Shown
from streams.calculus.fold import Change
from streams.calculus.open_log import OpenDeltas
from streams.calculus.panes import Deltas, Groups
from streams.calculus.program import Program
from streams.calculus.windows import Grid
from streams.runtime.ledger_values import VersionWrites


def digest_of(version: str) -> str:
    """The rules that a version was made with."""
    return version.partition(".")[0]


def watch_name(kpi: str, case: bytes) -> bytes:
    """What an open case is called where it is watched for a KPI."""
    return kpi.encode() + b"\x1f" + case


def kpi_and_case(name: bytes) -> tuple[str, bytes]:
    """The reverse of `watch_name`."""
    kpi, _, case = name.partition(b"\x1f")
    return kpi.decode(), case


def next_version(digest: str, *versions: str) -> str:
    """A name that follows on all of `versions`: `<digest>.<n>`."""
    numbers = (version.partition(".")[2] for version in versions)
    return f"{digest}.{max((int(number) for number in numbers if number), default=0) + 1}"


def open_writes(
    program: Program, groups: Groups, opened: Opened
) -> tuple[dict[str, bytes], dict[bytes, int | None]]:
    """What changed open cases add to their logs, and when each has to be looked at."""
    deltas = OpenDeltas(groups)
    watch: dict[bytes, int | None] = {}
    for (index, case), found in opened.items():
        deltas.set(index, case, found)
        name = watch_name(program.watches[index].rule.id, case)
        watch[name] = None if found is None else min(found.turns(), default=None)
    return deltas.encoded(), watch


class PaneVersion:
    """A whole version: what a batch changes in it is the difference that its changes make.

    What a batch would write is remembered until the batch is committed (`keep`), or is not (`forget`).
    """

    def __init__(self, name: str, program: Program, grid: Grid, groups: Groups) -> None:
        self.name, self.program = name, program
        self._grid = grid
        self._groups = groups

    def clients_to_load(self, keys: Iterable[str]) -> list[bytes]:
        """Those of the clients, by partition key, whose blobs a batch needs."""
        return [key.encode() for key in keys]

    def writes(
        self,
        changes: Iterable[Change],
        clients: dict[bytes, bytes | None],
        minutes_from: int | None,
    ) -> VersionWrites:
        """What changed cases change here; `clients` are the blobs that `clients_to_load` named."""
        deltas = Deltas(self._grid, self._groups, minutes_from)
        difference = Difference(self.program, deltas)
        changes = list(changes)
        written = difference.of_clients(difference.of_cases(changes), clients)
        return self._written(written, deltas, difference.of_open_cases(changes))

    def _written(self, clients: dict[bytes, bytes], deltas: Deltas, opened: Opened) -> VersionWrites:
        logs, watch = open_writes(self.program, self._groups, opened)
        panes = deltas.encoded() | logs
        return VersionWrites(self.name, clients, panes, self._groups.known, self._groups.fresh, watch)

    def keep(self) -> None:
        """The ledger has what was last asked for."""
        self._groups.keep()

    def forget(self) -> None:
        """It has not, and will not: the batch is divided."""
        self._groups.forget_fresh()


class VersionInTheMaking(PaneVersion):
    """A version that is made from the stored cases while batches go on.

    A case is counted whole when the scan comes to it or a batch changes it, whichever is first, and by its differences
    from then on. What cases show their clients is held in memory until all cases are in; then the clients are
    counted, some at a time.

    Invariants:
        each_case_and_each_client_is_counted_once
    """

    def __init__(self, name: str, program: Program, grid: Grid) -> None:
        super().__init__(name, program, grid, Groups())
        self._counted: set[bytes] = set()
        self._clients: dict[str, Client] = {}
        self._has_all_cases = False
        self._newly_counted: list[bytes] = []
        self._newly_shown: dict[str, Client] = {}

    def clients_to_load(self, keys: Iterable[str]) -> list[bytes]:
        return [key.encode() for key in keys if not self._holds(key)]

    def _holds(self, key: str) -> bool:
        """Whether a client is still in memory and counted in no pane."""
        return not self._has_all_cases or key in self._clients

    def writes(
        self,
        changes: Iterable[Change],
        clients: dict[bytes, bytes | None],
        minutes_from: int | None,
    ) -> VersionWrites:
        deltas = Deltas(self._grid, self._groups, minutes_from)
        difference = Difference(self.program, deltas)
        whole = [self._whole_if_new(change) for change in changes]
        shown = difference.of_cases(whole)
        stored = {key: views for key, views in shown.items() if not self._holds(key)}
        self._show({key: views for key, views in shown.items() if self._holds(key)})
        written = difference.of_clients(stored, clients)
        return self._written(written, deltas, difference.of_open_cases(whole))

    def _whole_if_new(self, change: Change) -> Change:
        if change.identity in self._counted:
            return change
        self._newly_counted.append(change.identity)
        return change._replace(before=None, types=None)

    def _show(self, shown: Shown) -> None:
        for key, views in shown.items():
            client = self._newly_shown.get(key)
            if client is None:
                known = self._clients.get(key)
                client = self._newly_shown[key] = Client() if known is None else known.copy()
            for code, subject, view in views:
                client.show(code, subject, view)

    def uncounted(self, cases: Iterable[bytes]) -> list[bytes]:
        """Those of the stored cases that are not in the panes yet."""
        return [identity for identity in cases if identity not in self._counted]

    def has_all_cases(self) -> None:
        """The scan is over; what is in memory of clients is to be written."""
        self._has_all_cases = True

    def some_clients(self, most: int, minutes_from: int | None) -> VersionWrites | None:
        """Count the next clients; None when all are in."""
        keys = list(islice(self._clients, most))
        if not keys:
            return None
        deltas = Deltas(self._grid, self._groups, minutes_from)
        difference = Difference(self.program, deltas)
        blobs = {}
        for key in keys:
            client = self._clients.pop(key)
            difference.of_new_client(client)
            blobs[key.encode()] = encode_client(client)
        return self._written(blobs, deltas, {})

    def whole(self) -> PaneVersion:
        """The version that this has become once all cases and clients are in."""
        return PaneVersion(self.name, self.program, self._grid, self._groups)

    def keep(self) -> None:
        super().keep()
        self._counted.update(self._newly_counted)
        self._clients.update(self._newly_shown)
        self._newly_counted, self._newly_shown = [], {}

    def forget(self) -> None:
        super().forget()
        self._newly_counted, self._newly_shown = [], {}
