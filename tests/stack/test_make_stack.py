"""``make stack`` as a process: it starts, prints all addresses and each email, and leaves nothing behind."""

from __future__ import annotations

import importlib.metadata
import os
import re
import select
import shlex
import signal
import socket
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING, Self

import psutil
import pytest

from tests.stack.support import example
from tests.support import eventually, fetch
from tests.support_servers import missing, program
from tests.tools.ports import free_port
from tests.tools.stack.chain import SERVICES, MissingError, find
from tests.tools.stack.shipped import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="signals, terminals and /proc as on Linux"),
]

READY = "Press Ctrl-C to stop"


class Stack:
    """The program in its own terminal, with free ports and its data in ``folder``; stopped by PID."""

    def __init__(self, folder: Path, **variables: str) -> None:
        try:
            find("prometheus")
            find("prometheus-alertmanager", "alertmanager")
        except MissingError as reason:
            missing(str(reason))
        ports = {f"{service.upper()}_PORT": str(free_port()) for service in SERVICES}
        self.settings = {**example(), **ports, **variables}
        self.text = ""
        # Every child process inherits it, so that all of them can be found.
        self._mark = str(uuid.uuid4())
        self._folder = folder
        self._terminal = -1

    def __enter__(self) -> Self:
        self._terminal, inner = os.openpty()
        # Its own session, as in a terminal window: closing the terminal sends SIGHUP.
        # If the tests run under nohup, their child processes would ignore SIGHUP.
        alone = [program("setsid"), "--ctty", program("env"), "--default-signal=HUP"]
        self.process = subprocess.Popen(
            [*alone, sys.executable, "-m", "tests.tools.stack", str(self._folder)],
            cwd=ROOT, env={**os.environ, **self.settings, "STACK_TEST": self._mark},
            stdin=inner, stdout=inner, stderr=inner,
        )  # fmt: skip
        os.close(inner)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.all():
            process.kill()
        self.process.wait(10)
        self.close_terminal()

    def all(self) -> list[psutil.Process]:
        """Return all its processes."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("STACK_TEST") == self._mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                pass
        return found

    def servers(self, word: str) -> list[psutil.Process]:
        """Return the processes with a word in their command line."""
        return [p for p in self.all() if p.pid != self.process.pid and word in " ".join(command(p))]

    def read(self) -> str:
        """Return everything printed so far."""
        while self._terminal >= 0 and select.select([self._terminal], [], [], 0)[0]:
            try:
                self.text += os.read(self._terminal, 65536).decode().replace("\r\n", "\n")
            except OSError:  # no process has it open any more
                break
        return self.text

    def wait_for(self, text: str, seconds: float = 60) -> str:
        """Wait until a text has been printed; return everything printed so far."""
        eventually(lambda: text in self.read() or self.process.poll() is not None, seconds, f"no {text!r}")
        assert text in self.read(), f"it ended with {self.process.returncode}"
        return self.text

    def end(self) -> int:
        """Wait until it exits, check that nothing is left, and return its exit code."""
        code = self.process.wait(40)
        self.read()
        assert [process.cmdline() for process in self.all()] == []
        return code

    def close_terminal(self) -> None:
        if self._terminal >= 0:
            os.close(self._terminal)
        self._terminal = -1


def command(process: psutil.Process) -> list[str]:
    """Return a process's command line, empty if it has just exited."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def test_it_shows_where_everything_is_and_each_mail_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    with Stack(
        tmp_path / "data", RETENTION_TIME="1y2w3d", RETENTION_SIZE="1536MB", MACHINE_NAME="büro #1 'x'"
    ) as stack:
        text = stack.wait_for(READY)
        urls = dict(re.findall(r"^(status page|Prometheus|Alertmanager) +(http\S+)$", text, re.MULTILINE))
        assert list(urls) == ["status page", "Prometheus", "Alertmanager"]
        for name, url in urls.items():
            assert f":{stack.settings[{'status page': 'EXPORTER'}.get(name, name.upper()) + '_PORT']}" in url
            assert fetch(url).status == 200
        assert "büro #1 &#39;x&#39;" in fetch(urls["status page"]).text
        assert re.search(r"^mail +shown here$", text, re.MULTILINE)
        assert f"data, logs    {tmp_path / 'data'}\n" in text

        # As it is printed, in another terminal: mails give the machine the name that it has in the stack.
        command = shlex.split(re.findall(r"^test alert +(.+)$", text, re.MULTILINE)[0])
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        text = stack.wait_for("Subject: [WARNING] büro #1 'x': Test alert, nothing is wrong", 60)
        assert "--- mail to owner@localhost\n" in text

        os.write(stack._terminal, b"\x03")
        assert stack.end() == 0
        assert stack.text.endswith("ended\n")
        assert "Traceback" not in stack.text


@pytest.mark.parametrize("trouble", ["SIGTERM", "terminal closed"])
def test_it_ends_all_servers_also_when_it_is_told_otherwise(tmp_path: Path, trouble: str) -> None:
    with Stack(tmp_path / "data") as stack:
        stack.wait_for(READY)
        assert len(stack.all()) >= 4
        if trouble == "SIGTERM":
            stack.process.terminate()
        else:
            stack.close_terminal()
        assert stack.end() == 0


@pytest.mark.parametrize("trouble", ["SIGINT", "SIGTERM", "terminal closed"])
def test_it_can_be_ended_while_it_is_starting(tmp_path: Path, trouble: str) -> None:
    with Stack(tmp_path / "data") as stack:
        # A stopped exporter never answers.
        (exporter,) = eventually(lambda: stack.servers("-m exporter serve"))
        exporter.suspend()
        eventually(lambda: stack.servers("--storage.tsdb.path"))
        if trouble == "terminal closed":
            stack.close_terminal()
        else:
            stack.process.send_signal(signal.Signals[trouble])
        eventually(lambda: not stack.servers("--storage.tsdb.path"), 15, "the others are not ended")
        assert READY not in stack.read()
        exporter.resume()
        assert stack.end() == 0
        assert "Traceback" not in stack.text


@pytest.mark.parametrize("service", ["exporter", "prometheus", "alertmanager"])
def test_a_port_in_use_is_one_line(tmp_path: Path, service: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        name = f"{service.upper()}_PORT"
        with Stack(tmp_path / "data", **{name: port}) as stack:
            assert stack.end() == 1
            assert re.fullmatch(
                rf"make stack: port {port} is in use by \S+ \(process {os.getpid()}\): "
                rf"set {name} in .env to another one for {service}\n",
                stack.text,
            )


@pytest.mark.parametrize("port", ["70000", "http", "-1"])
def test_a_port_that_is_none_is_one_line(tmp_path: Path, port: str) -> None:
    with Stack(tmp_path / "data", PROMETHEUS_PORT=port) as stack:
        assert stack.end() == 1
        assert stack.text == f"make stack: PROMETHEUS_PORT={port}: a port is a number from 1 to 65535\n"


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with Stack(tmp_path / "data") as stack:
        assert stack.end() == 1
        assert re.fullmatch(r"make stack: .*data.*\n", stack.text)


def test_a_server_that_ends_is_named_and_ends_the_others(tmp_path: Path) -> None:
    with Stack(tmp_path / "data") as stack:
        stack.wait_for(READY)
        (server,) = stack.servers("--cluster.listen-address=")
        server.kill()
        assert stack.end() == 1
        assert re.search(r"^make stack: alertmanager was killed by signal 9$", stack.text, re.MULTILINE)


def test_a_server_that_cannot_start_is_named_and_ends_the_others(tmp_path: Path) -> None:
    with Stack(tmp_path / "data", CPU_WARNING="95") as stack:
        assert stack.end() == 1
        assert re.search(
            r"^make stack: exporter ended with code \d+: .*CPU.*\n\Z", stack.text, re.IGNORECASE | re.MULTILINE
        )


def test_a_port_given_twice_is_one_line(tmp_path: Path) -> None:
    port = str(free_port())
    with Stack(tmp_path / "data", EXPORTER_PORT=port, PROMETHEUS_PORT=port) as stack:
        assert stack.end() == 1
        assert (
            stack.text
            == f"make stack: port {port} is in use: set PROMETHEUS_PORT in .env to another one for prometheus\n"
        )


def test_an_argument_that_prometheus_refuses_is_named(tmp_path: Path) -> None:
    with Stack(tmp_path / "data", RETENTION_TIME="forever") as stack:
        assert stack.end() == 1
        assert re.search(
            r'^make stack: prometheus ended with code \d+: Error .*"forever"\n\Z', stack.text, re.MULTILINE
        )


def test_it_needs_no_more_packages_than_make_installs_for_it() -> None:
    """Of the tests' 180 MB, those that receive email."""
    code = (
        "import importlib.metadata, sys, tests.tools.stack.running\n"
        "owners = importlib.metadata.packages_distributions()\n"
        "print(*{owner for name in set(sys.modules) for owner in owners.get(name, ())})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    (mailbox,) = re.findall(r"^MAILBOX := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    locked = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    needed = {name.lower() for name in done.stdout.split()} - {"host-exporter", "setuptools"}
    assert "aiosmtpd" in needed
    assert needed <= locked | set(mailbox.split("|"))
    requires = {re.split("[^a-z]", each)[0] for each in importlib.metadata.requires("aiosmtpd") or ()}
    assert requires | {"aiosmtpd"} == set(mailbox.split("|"))


@pytest.mark.parametrize("module", ["tests.tools.stack.chain", "aiosmtpd.controller"])
def test_ctrl_c_while_it_is_being_loaded_is_no_traceback(tmp_path: Path, module: str) -> None:
    """Loading takes most of a second, in which somebody may think better of it."""
    code = (
        "import os, runpy, signal, sys\n"
        "class Hook:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == {module!r}: os.kill(os.getpid(), signal.SIGINT)\n"
        f"sys.meta_path.insert(0, Hook()); sys.argv[1:] = [{str(tmp_path / 'data')!r}]\n"
        "runpy.run_module('tests.tools.stack', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == 0 or re.fullmatch("make stack: .*not installed.*\n", done.stderr), done.stderr


def test_ctrl_c_does_not_reach_a_server_that_is_asked_for_its_version(tmp_path: Path) -> None:
    """It was said to be version 0.0: it had been ended before it could say."""
    server = tmp_path / "prometheus"
    server.write_text('#!/bin/sh\ntrap "" INT\nkill -INT 0\nsleep 0.2\necho prometheus, version 3.5.3\n')
    server.chmod(0o755)
    code = (
        "import pathlib; from tests.tools.stack import chain\n"
        f"chain.FETCHED = pathlib.Path({str(tmp_path)!r}); print(chain.find('prometheus'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False, start_new_session=True,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (f"{server}\n", "")


def test_it_says_what_it_is_waiting_for(tmp_path: Path) -> None:
    with Stack(tmp_path / "data") as stack:
        (exporter,) = eventually(lambda: stack.servers("-m exporter serve"))
        exporter.suspend()
        text = stack.wait_for("exporter is not ready yet", 60)
        exporter.resume()
        assert text.startswith("starting exporter, alertmanager, prometheus")
        assert "  prometheus is ready\n" in stack.wait_for(READY)


def test_a_reader_that_goes_away_does_not_stop_it() -> None:
    """As in make stack | head: a reader that goes away is no reason to fail."""
    reader, writer = os.pipe()
    os.close(reader)
    code = "from tests.tools.stack.running import say\nsay('one')\nsay('two')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
