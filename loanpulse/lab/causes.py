"""Why a server failed, in the words of an operator: from the system's error or from the server's own log."""

import errno

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_SIGNS = (
    ("Address already in use", "its port is taken by another program"),
    ("No space left on device", "no space left on the disk"),
    ("Disk quota exceeded", "no space left on the disk (quota)"),
    ("File too large", "no space left on the disk (file size limit)"),
    ("insufficient memory", "not enough memory for Java"),
    ("Could not reserve enough space", "not enough memory for Java"),
    ("java.lang.OutOfMemoryError", "out of memory"),
    (
        "Bad file format reading the append only file",
        "its append only file is damaged (redis-check-aof mends it)",
    ),
)
_LONGEST = 300


def disk_full(error: BaseException | None) -> bool:
    """Whether a full disk (or a quota or file size limit) stands behind the error."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _DISK_FULL:
            return True
        error = error.__cause__ or error.__context__
    return False


def last_words(log: str) -> str:
    """What a server's log says about its end: the first known cause, else the last error, else the last line."""
    for sign, cause in _SIGNS:
        if sign in log:
            return cause
    lines = [
        line for line in log.splitlines() if line.strip() and not line.startswith(("\t", " ", "WARNING"))
    ]
    errors = [line for line in lines if "ERROR" in line or "rror:" in line or "Exception" in line]
    return (errors or lines or ["it said nothing"])[-1].strip()[:_LONGEST]
