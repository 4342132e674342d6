"""A file that is read, gzipped or not, and how far its reading is."""

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from loanpulse.lab.failures import InputError

_GZIP_MAGIC = b"\x1f\x8b"


class PackedFile:
    """A file on disk; InputError where it cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Its bytes, unpacked."""
        try:
            with self.path.open("rb") as self._file:
                yield _unpacked(self._file)
        except (OSError, EOFError, gzip.BadGzipFile) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise InputError(f"cannot be read: {reason}", file=str(self.path)) from None

    def fraction_read(self) -> float:
        """How much of the file the running reading has passed, 0 to 1."""
        size = self.path.stat().st_size
        if self._file is None or not size:
            return 0.0
        return 1.0 if self._file.closed else min(1.0, self._file.tell() / size)


def _unpacked(file: BinaryIO) -> BinaryIO:
    magic = file.read(2)
    file.seek(0)
    stream = gzip.GzipFile(fileobj=file) if magic == _GZIP_MAGIC else file
    return cast("BinaryIO", io.BufferedReader(cast("io.RawIOBase", stream), 1 << 18))
