"""Clients of HTTP/2 that ask for much and take nothing: with real frames, one socket each."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, ResponseReceived
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes


class Client:
    """One connection, with prior knowledge; `window` is what the router may send in each stream.

    `source` is the address that it comes from, any if it is empty.
    """

    def __init__(self, address: str, window: int = 65_535, source: str = "") -> None:
        self._socket = socket.create_connection((address, 8080), 20, (source, 0))
        self._protocol = H2Connection(H2Configuration(header_encoding=None))
        self._protocol.initiate_connection()
        self._protocol.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: window})
        self.statuses: dict[int, int] = {}
        """By the number of the stream."""
        self.closed = False
        self._send()

    def ask(self, path: str, count: int, body: int = 0, header: str = "") -> None:
        """Open so many streams; of the `body` that each promises only the first byte comes."""
        head = [(":method", "POST" if body else "GET"), (":scheme", "http")]
        head += [(":authority", "x"), (":path", path)]
        if body:
            head.append(("content-length", str(body)))
        if header:
            head.append((header, "1"))
        for _ in range(0 if self.closed else count):
            stream = self._protocol.get_next_available_stream_id()
            self._protocol.send_headers(stream, head, end_stream=not body)
            if body:
                self._protocol.send_data(stream, b"x")
        self._send()

    def drip(self) -> None:
        """Send one more byte in each stream that waits for its body."""
        for stream in list(self._protocol.streams):
            with suppress(ProtocolError):
                self._protocol.send_data(stream, b"x")
        self._send()

    def hear(self) -> None:
        """Take what has come, without waiting for more."""
        self._socket.settimeout(0.01)
        try:
            while not self.closed:
                self._take(self._socket.recv(65536))
        except TimeoutError:
            pass
        except OSError:
            self.closed = True
        self._send()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _take(self, data: bytes) -> None:
        try:
            events = self._protocol.receive_data(data) if data else [ConnectionTerminated()]
        except ProtocolError:  # of h2: what comes behind a GOAWAY
            events = [ConnectionTerminated()]
        for event in events:
            if isinstance(event, ResponseReceived):
                status = dict(event.headers)[b":status"]
                self.statuses[event.stream_id] = int(status)
            self.closed = self.closed or isinstance(event, ConnectionTerminated)

    def _send(self) -> None:
        if self.closed:
            return
        try:
            self._socket.sendall(self._protocol.data_to_send())
        except OSError:
            self.closed = True


@contextmanager
def clients(
    address: str, count: int, window: int = 65_535, source: str = ""
) -> Iterator[list[Client]]:
    """Open so many connections, and close them at the end."""
    with ExitStack() as stack:
        opened = []
        for _ in range(count):
            one = Client(address, window, source)
            stack.callback(one.close)
            opened.append(one)
        yield opened
