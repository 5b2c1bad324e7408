"""The production server: cheroot, threads in one process, on Linux, macOS and Windows alike."""

from __future__ import annotations

import logging
import re
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from cheroot import wsgi
from cheroot.errors import FatalSSLAlert, NoSSLError
from cheroot.server import HTTPConnection, HTTPRequest

from exporter import __version__
from exporter.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

log = logging.getLogger("exporter")

THREADS = 6
LARGEST_HEADER = 64 * 1024
LARGEST_BODY = 64 * 1024
"""Bytes: nothing that is served takes a body, and a header without end must not fill the memory."""

CONNECTIONS = 200
"""Connections that may stay open between requests; a silent one is closed after 10 s."""

HOUSEKEEPING = 5.0
"""Seconds between looks for connections to close; cheroot's 0.5 s would keep an idle machine awake."""


class Request(HTTPRequest):
    """What a client sends wrongly is the client's fault: cheroot says 500 or 501 to some of it."""

    def parse_request(self) -> None:
        """Read a request; whatever the parser stumbles over is a bad request."""
        try:
            super().parse_request()
        except (OSError, FatalSSLAlert, NoSSLError):
            raise  # the connection, not the request
        except Exception:  # noqa: BLE001 - urlsplit's ValueError, an UnboundLocalError in the header reader
            self.simple_response("400 Bad Request", "Malformed request")
            self.close_connection = True

    def simple_response(self, status: str, msg: str = "") -> None:
        """Answer without the application."""
        super().simple_response("400 Bad Request" if status.startswith("501") else status, msg)


class Connection(HTTPConnection):
    """A connection whose requests are read as above."""

    RequestHandlerClass = Request


class Server(wsgi.Server):
    """cheroot, quiet: what it has to say goes to the log, tracebacks only in debug."""

    ConnectionClass = Connection
    expiration_interval = HOUSEKEEPING
    keep_alive_conn_limit = CONNECTIONS

    @property
    def url(self) -> str:
        """The address for a browser on this machine."""
        host, port = self.bind_addr[:2]
        local = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
        return f"http://{local}:{port}"

    def process_conn(self, conn: Any) -> None:
        """Hand a connection to a worker once it has said something.

        cheroot hands over new ones at once, and the worker waits up to 10 s for their first byte: ten silent
        connections (browsers open spare ones) kept everybody waiting, and a stop took 5 s.
        """
        if conn.last_used is None:
            self.put_conn(conn)
        else:
            super().process_conn(conn)

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:  # noqa: ARG002
        """Log what went wrong inside the server; most of it is clients that went away."""
        log.debug("server: %s", msg, exc_info=traceback)


def open_server(app: Callable[..., Any], host: str, port: int) -> Server:
    """Return a server that listens already. Raises ServerError with the reason in one line."""
    server = Server(
        (host, port),
        app,
        numthreads=THREADS,
        server_name=f"host-exporter/{__version__}",
        request_queue_size=128,
    )
    server.max_request_header_size = LARGEST_HEADER
    server.max_request_body_size = LARGEST_BODY
    try:
        server.prepare()
    except OSError as reason:
        # cheroot packs the real reason into a text: "No socket could be created -- (...: [Errno 98] ...)".
        found = re.search(r"\[Errno -?\d+\] ([^)]+)", str(reason))
        text = found[1] if found else reason.strerror or str(reason)
        raise ServerError(f"cannot listen on {host}, port {port}: {text}; give another --host or --port") from None
    except UnicodeError:  # a name that no name server could know
        raise ServerError(f"cannot listen on {host}, port {port}: not a host name; give another --host") from None
    return server


def run(server: Server, on_stop: Callable[[], None]) -> None:
    """Serve until Ctrl-C or SIGTERM; requests under way are answered first. Main thread only."""
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        if not stopping.is_set():
            stopping.set()
            raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        server.serve()
    except KeyboardInterrupt:
        log.info("stopping")
    finally:
        server.stop()
        on_stop()
        sys.stderr.flush()
