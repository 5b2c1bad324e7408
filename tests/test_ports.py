"""Tests run in parallel, so no two of them may give their servers the same port."""

from __future__ import annotations

import socket
import subprocess
import sys

from tests.tools.ports import free_port, is_free
from tests.tools.stack.shipped import ROOT

ASK = "from tests.tools.ports import free_port\nprint(*(free_port() for _ in range(200)), flush=True)\ninput()"


def test_a_port_is_given_once_even_to_two_processes() -> None:
    """With 400 ports chosen at random, all but one in three thousand runs would have a duplicate."""
    command = [sys.executable, "-c", ASK]
    both = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    try:
        # Both are still running when each has all its ports.
        ports = [port for process in both if process.stdout for port in process.stdout.readline().split()]
    finally:
        for process in both:
            process.communicate("\n", timeout=30)
    assert len(ports) == len(set(ports)) == 400


def test_a_port_on_which_somebody_listens_is_not_free() -> None:
    port = free_port()
    assert is_free(port)
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)
