"""``host-exporter health`` asks the exporter on this machine, wherever it listens, and never through a proxy."""

from __future__ import annotations

import socket
import time

import pytest

from exporter.commands.health import here
from tests.support import Exporter, run
from tests.tools.ports import free_port


def test_it_asks_where_the_variables_say_that_the_exporter_listens(exporter: Exporter) -> None:
    other = Exporter("--host", "127.0.0.2")
    other.url = f"http://127.0.0.2:{other.port}"
    with other:
        variables = {"HOST_EXPORTER_HOST": "127.0.0.2", "HOST_EXPORTER_PORT": str(other.port)}
        assert run("health", env=variables).returncode == 0
        assert run("health", "--port", str(other.port)).returncode == 1
    assert run("health", "--host", "0.0.0.0", "--port", str(exporter.port)).returncode == 0


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:5000"),
        ("0.0.0.0", "http://127.0.0.1:5000"),
        ("::", "http://[::1]:5000"),
        ("::1", "http://[::1]:5000"),
        ("localhost", "http://localhost:5000"),
    ],
)
def test_an_address_for_all_networks_is_asked_on_this_machine(host: str, address: str) -> None:
    assert here(host, 5000) == address


def test_no_proxy_is_asked(exporter: Exporter) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    done = run("health", exporter.url, env={"http_proxy": nowhere, "HTTP_PROXY": nowhere})
    assert done.returncode == 0, done.stderr


def test_what_never_answers_is_not_alive() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        start = time.monotonic()
        assert run("health", "--port", str(mute.getsockname()[1])).returncode == 1
        assert time.monotonic() - start < 12
