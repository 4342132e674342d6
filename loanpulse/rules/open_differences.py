"""How many open cases are kept otherwise than the stored cases have them."""

from collections.abc import Iterable, Mapping, Sequence

from streams.calculus.open_log import OpenRow, decode_rows, is_open_log, latest

Watched = tuple[int, bytes]
"""A watch's index and a case's id."""
_Open = tuple[str, tuple[object, ...]]


def open_differences(
    logs: Mapping[str, bytes],
    names: Sequence[str],
    expected: Mapping[str, Iterable[bytes]],
    expected_names: Sequence[str],
) -> int:
    """Of the logs of a ledger and of a count of its cases, each with the names of its own groups."""
    kept = _open_cases(logs, names)
    counted = _open_cases(
        {pane: b"".join(rows) for pane, rows in expected.items() if is_open_log(pane)}, expected_names
    )
    return sum(kept.get(at) != counted.get(at) for at in kept.keys() | counted.keys())


def _open_cases(logs: Mapping[str, bytes], names: Sequence[str]) -> dict[Watched, _Open]:
    found: dict[Watched, _Open] = {}
    for pane, log in logs.items():
        if is_open_log(pane):
            found |= {at: _named(row, names) for at, row in latest(decode_rows(log)).items() if row.spans}
    return found


def _named(row: OpenRow, names: Sequence[str]) -> _Open:
    name = names[row.group] if row.group < len(names) else f"?{row.group}"
    return name, row[3:]
