"""Groups over all ledgers: each ledger numbers its own, the board numbers them once more, and their parts."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

SEPARATOR = "\x1f"
PARTS = ("officer", "branch", "product", "channel", "split")


class Names:
    """Names and their codes, in order of first appearance."""

    def __init__(self) -> None:
        self.list: list[str] = []
        self._codes: dict[str, int] = {}

    def code(self, name: str) -> int:
        found = self._codes.get(name)
        if found is None:
            found = self._codes[name] = len(self.list)
            self.list.append(name)
        return found


class Members:
    """The groups that were seen, and for each of them the code of its officer, branch, product, channel and split."""

    def __init__(self) -> None:
        self._groups = Names()
        self._parts: list[tuple[int, ...]] = []
        self._table: NDArray[np.int64] = np.empty((len(PARTS), 0), np.int64)
        self.names = {part: Names() for part in PARTS}

    def numbers(self, groups: Iterable[str]) -> NDArray[np.int32]:
        """The board's numbers of groups. ValueError for one that is not officer, branch, product, channel and split."""
        return np.array([self._number(group) for group in groups], np.int32)

    def _number(self, group: str) -> int:
        number = self._groups.code(group)
        if number == len(self._parts):
            parts = group.split(SEPARATOR)
            if len(parts) != len(PARTS):
                raise ValueError(f"group is {group!r}: must be {len(PARTS)} parts")
            self._parts.append(
                tuple(self.names[part].code(name) for part, name in zip(PARTS, parts, strict=True))
            )
        return number

    def expect(self, part: str, names: Iterable[str]) -> NDArray[np.int64]:
        """The codes of a part's names, given to those that no group has named."""
        return np.array([self.names[part].code(name) for name in names], np.int64)

    def codes(self, part: str) -> NDArray[np.int64]:
        """By group number: the code of its part."""
        if self._table.shape[1] != len(self._parts):
            self._table = np.array(self._parts, np.int64).T.copy()
        codes: NDArray[np.int64] = self._table[PARTS.index(part)]
        return codes
