"""A TCP proxy before Redis that loses replies after the script ran, or keeps a request back until told to let it go."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

_CHUNK = 1 << 16

Chooses = Callable[[bytes], bool]


class LossyProxy:
    """Passes everything on but the replies to requests that `loses` chooses: instead of one, the connection ends.

    While `keeps` chooses a request, it and what follows on its connection wait for `let_go`, even if the client has
    left.
    """

    def __init__(self, server_port: int) -> None:
        self.loses: Chooses = lambda _request: False
        self.keeps: Chooses = lambda _request: False
        self.kept = threading.Event()
        self.lost = 0
        self.late_replies: list[bytes] = []
        self._go = threading.Event()
        self.server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"

    def let_go(self) -> None:
        """Send on what was kept back."""
        self._go.set()

    def close(self) -> None:
        """No more connections; those that are open end with their clients."""
        self._go.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self.server_port))
                except OSError:
                    client.close()
                    continue
                passage = _Passage(self, client, server)
                threading.Thread(target=passage.requests, daemon=True).start()
                threading.Thread(target=passage.replies, daemon=True).start()


class _Passage:
    """One connection through the proxy."""

    def __init__(self, proxy: LossyProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._loses_next = self._is_late = False

    def requests(self) -> None:
        proxy = self._proxy
        for request in _chunks(self._client):
            if proxy.keeps(request):
                self._is_late = True
                proxy.kept.set()
                proxy._go.wait()
            self._loses_next |= proxy.loses(request)
            with contextlib.suppress(OSError):
                self._server.sendall(request)
        if not self._is_late:
            _end(self._server)

    def replies(self) -> None:
        for reply in _chunks(self._server):
            if self._is_late:
                self._proxy.late_replies.append(reply)
            if self._loses_next:
                self._proxy.lost += 1
                break
            with contextlib.suppress(OSError):
                self._client.sendall(reply)
        _end(self._server)
        _end(self._client)


def _chunks(connection: socket.socket) -> Iterator[bytes]:
    with contextlib.suppress(OSError):
        while chunk := connection.recv(_CHUNK):
            yield chunk


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
