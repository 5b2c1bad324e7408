"""No threads, memory or file descriptors at start: one line that says so, and an exit code. Nothing ever hangs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.support import needs_root
from tests.support import COMMAND, Exporter, fetch, wait_for
from tests.tools.ports import free_port

SERVE = 9
"""Threads that ``serve`` starts. The main one is there already."""


def run(*command: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **(env or {})}
    )


def with_threads(limit: int | str, *args: str) -> list[str]:
    return [sys.executable, "-m", "tests.few_threads", str(limit), *args]


class FewThreads(Exporter):
    """The real command, with so many threads and no more, or without those of a name."""

    def __init__(self, limit: int | str, *args: str, env: dict[str, str] | None = None) -> None:
        super().__init__(*args, env=env)
        self._command = with_threads(limit, *self._command[len(COMMAND) :])


def is_one_line(text: str, *words: str) -> bool:
    """Return whether the last line names the trouble; lines of the log may precede it."""
    *before, last = text.splitlines()
    assert "Traceback" not in text
    assert all(" WARNING " in line for line in before), text
    assert last.startswith("host-exporter: ")
    return all(word in last for word in words)


@pytest.mark.parametrize("count", range(SERVE - 1))
def test_serve_ends_if_it_gets_too_few_threads(count: int) -> None:
    done = run(*with_threads(count, "serve", "--port", str(free_port())))
    assert done.returncode == 1
    assert is_one_line(done.stderr, "cannot start a thread", "leave room for 16 threads")


def test_serve_without_a_thread_for_its_export_ends_and_leaves_no_file(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    done = run(*with_threads(SERVE - 1, "serve", "--port", str(free_port()), "--export-csv", str(file)))
    assert done.returncode == 1
    assert is_one_line(done.stderr, "cannot start a thread (export)")
    assert not file.exists()


@pytest.mark.parametrize("args", [("watch",), ("watch", "--once"), ("stats",)], ids=" ".join)
def test_other_commands_end_if_they_get_no_thread(args: tuple[str, ...]) -> None:
    done = run(*with_threads(0, *args))
    assert done.returncode == 1
    assert is_one_line(done.stderr, "cannot start a thread (sampler)")
    assert done.stdout == ""


def test_no_thread_to_read_filesystems_costs_their_figures() -> None:
    with FewThreads("filesystem") as exporter:
        collectors = json.loads(exporter.get("/api/stats").text)["collectors"]
        failed = {name: each["error"] for name, each in collectors.items() if not each["success"]}
        assert list(failed) == ["filesystem"]
        assert failed["filesystem"].startswith("cannot start a thread (filesystem)")
        assert exporter.stop() == 0
    assert exporter.log.count("cannot start a thread") == 1


def test_serve_without_a_thread_to_watch_prometheus_ends() -> None:
    watched = {"HOST_EXPORTER_ALERTS_URL": f"http://127.0.0.1:{free_port()}"}
    done = run(*with_threads("chain", "serve", "--port", str(free_port())), env=watched)
    assert done.returncode == 1
    assert is_one_line(done.stderr, "cannot start a thread (chain)")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the cgroup is one of Linux")
@pytest.mark.parametrize("most", [1, 5, 8])
def test_it_ends_where_the_kernel_allows_no_more_threads(most: int) -> None:
    needs_root("a cgroup")
    root = Path("/sys/fs/cgroup/pids")
    group = (root if root.exists() else root.parent) / f"host-exporter-test-{os.getpid()}"
    try:
        group.mkdir()
        (group / "pids.max").write_text(str(most))
    except OSError:
        pytest.skip("no cgroup can be made here")
    try:
        enter = f'echo $$ > {group}/cgroup.procs; exec "$@"'
        done = run("bash", "-c", enter, "bash", *COMMAND, "serve", "--port", str(free_port()))
    finally:
        wait_for(lambda: not (group / "cgroup.procs").read_text())
        group.rmdir()
    assert done.returncode == 1
    assert is_one_line(done.stderr, "cannot start a thread", "TasksMax")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
@pytest.mark.parametrize(
    ("limit", "value"), [("v", 60_000), ("v", 100_000), ("v", 150_000), ("v", 250_000), ("n", 6), ("n", 9), ("n", 12)]
)
def test_whatever_is_short_it_serves_or_ends_with_one_line(limit: str, value: int) -> None:
    if limit == "v" and not sys.platform.startswith("linux"):
        pytest.skip("the limit is enforced on Linux only")
    port = free_port()
    command = [f'ulimit -{limit} {value}; exec "$@"', "sh", *COMMAND, "serve", "--port", str(port)]
    process = subprocess.Popen(["sh", "-c", *command], stderr=subprocess.PIPE, text=True)

    def has_begun() -> bool:
        try:
            return process.poll() is not None or fetch(f"http://127.0.0.1:{port}/-/healthy").status == 200
        except OSError:
            return False

    try:
        wait_for(has_begun, 60)
        served = process.poll() is None
        process.send_signal(signal.SIGTERM)
        _, text = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in text
    if served:
        assert process.returncode == 0
    else:
        assert process.returncode == 1
        assert is_one_line(text, "ulimit")


def test_a_server_that_ends_by_itself_ends_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process without its server would look healthy to a supervisor that restarts what ends."""
    from exporter import signals
    from exporter.errors import ServerError
    from exporter.serving import server as module

    server = module.open_server(lambda *_: [], "127.0.0.1", free_port())
    monkeypatch.setattr(module, "no_more", lambda: None)
    handlers = {number: signal.getsignal(number) for number in signals.ENDING}
    stopped: list[float] = []
    try:
        stop = module.StopSignals()
        with pytest.raises(ServerError, match="has ended by itself"):
            module.run(server, stop, server.end, lambda: stopped.append(time.monotonic()))
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert stopped
