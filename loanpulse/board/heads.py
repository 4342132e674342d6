"""Heads: officers with work of their own, counted only when everything is merged."""

import numpy as np

from loanpulse.board.cells import Cells, Keys, Sums
from loanpulse.board.tally import OFFICER_BITS


def heads(work: Cells, keys: Keys, excluded: Keys) -> Sums:
    """`sums[window, (n, a, b), key]`: n and a are the work done by heads, b how many they are.

    A head is an officer with a sum > 0 in the window within the key's group; `excluded` officers (codes) are none.
    """
    officer, owner = work.keys & ((1 << OFFICER_BITS) - 1), work.keys >> OFFICER_BITS
    counted = np.isin(owner, keys) & ~np.isin(officer, excluded)
    owner, done = owner[counted], work.sums[:, 0, counted]
    is_head = done > 0
    sums = np.zeros((len(done), 3, len(keys)), work.sums.dtype)
    if len(owner):
        starts = np.flatnonzero(np.diff(owner, prepend=owner[0] - 1))
        places = np.searchsorted(keys, owner[starts])
        sums[:, 0, places] = np.add.reduceat(np.where(is_head, done, 0), starts, axis=1)
        sums[:, 1] = sums[:, 0]
        sums[:, 2, places] = np.add.reduceat(is_head.astype(np.int64), starts, axis=1)
    return sums
