"""What is mailed of machines that die, flap, are something else or are no longer targets: real servers to the mail."""

from __future__ import annotations

import itertools
import re
import shutil
import signal
import threading
import time
from contextlib import ExitStack
from functools import partial
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

import pytest

from tests.machines import copy_fixture
from tests.stack.support import make_chain, query
from tests.support import Exporter, eventually, fetch
from tests.tools.web import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.tools.stack.chain import Chain

pytestmark = pytest.mark.timeout(300)

DOWN = "Not responding"
OBITUARY = """\
Memory: 97 % of 15.6 GiB used
Swap: 25 % of 7.8 GiB used
Hottest sensor: coretemp Package id 0 55.0 °C
Programs using the most memory:
java app.jar: 1 GiB
python3 train.py: 512 MiB
Web (Content) 1: 256 MiB"""


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Exporter]:
    """A real exporter on a machine that runs out of memory."""
    root = copy_fixture("laptop", tmp_path)
    meminfo = root / "proc/meminfo"
    meminfo.write_text(re.sub("(MemAvailable:) .*", r"\1 491520 kB", meminfo.read_text()))
    (root / "proc/1/mountinfo").write_text("")  # what this machine's disks hold is not the matter here
    shutil.rmtree(root / "sys/fs")  # nor what is wrong with them
    with Exporter("--rootfs", str(root)) as exporter:
        yield exporter


def test_a_death_is_told_each_time_and_a_removed_target_is_no_recovery(tmp_path: Path, laptop: Exporter) -> None:
    with make_chain(tmp_path / "chain") as chain:
        address = f"127.0.0.1:{laptop.port}"
        file = chain.targets / "laptop.yml"
        listed = f'- targets: ["{address}"]\n'
        file.write_text(listed)
        chain.mailbox.wait("[CRITICAL] aspen: Memory 97 %", 90)
        eventually(lambda: query(chain, f'host_top_process_memory_bytes{{instance="{address}"}}'))
        laptop.stop(signal.SIGKILL)
        down = chain.mailbox.wait(f"[CRITICAL] aspen: {DOWN} (memory was 97 % used)", 90)
        # In the HTML, a row each; a heading has no colon.
        page = re.sub("<[^>]+>", "", re.sub("</td><td[^>]*>", ": ", down.body("html"))).replace("\u00a0", " ")
        for plain, obituary in ((down.body(), OBITUARY), (page, OBITUARY.replace("memory:\n", "memory\n"))):
            assert re.search(r"Last response: 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC\n", plain)
            # The preview that an inbox shows has the same once more.
            assert re.sub("CPU: .*\n|Programs waiting for .*\n", "", plain).count(obituary) == 1
            assert "no value" not in plain

        eventually(lambda: query(chain, f'max_over_time(up{{instance="{address}"}}[13s]) == 0'), 60)
        file.write_text("")
        gone = chain.mailbox.wait("[INFO] aspen: No longer watched, because it is in no target file", 60)
        assert "It was not responding when its target was removed." in gone.body()
        assert re.search("Its alerts end without being over: .*HostExporterDown", gone.body())
        # Prometheus goes on sending what has ended, its memory alert only later.
        for name in ("HostExporterDown", "HostHighMemory"):
            eventually(partial(ended, chain, address, name), 90)
        time.sleep(12)  # three rounds of emails
        assert len(about(chain)) == 3, about(chain)

        # Put back and alive: its death is over, and the next one is news.
        with laptop:
            file.write_text(listed)
            over = "RESOLVED  aspen: Responding again"
            eventually(lambda: any(over in mail.body() for mail in chain.mailbox.mails), 90)
            before = len(chain.mailbox.mails)
            assert not [mail.subject for mail in chain.mailbox.mails[3:] if f"CRITICAL  aspen: {DOWN}" in mail.body()]
            laptop.stop(signal.SIGKILL)
            chain.mailbox.wait(f"[CRITICAL] aspen: {DOWN}", 90, after=before)


def test_something_else_on_a_port_is_told_and_a_machine_that_flaps_is_told_once(tmp_path: Path) -> None:
    flapper, stopped = Answering(FIGURES), threading.Event()
    with (
        serving(flapper.handler) as flapping,
        serving(Answering(b"").handler) as empty,
        serving(Answering(b"node_load1 1\n").handler) as other,
        make_chain(tmp_path / "chain") as chain,
    ):
        lines = "".join(f'- targets: ["{address}"]\n' for address in (flapping, empty, other))
        (chain.targets / "odd.yml").write_text(lines)
        flaps = threading.Thread(target=flapper.flap, args=(stopped,))
        flaps.start()
        try:
            for address, what in ((empty, "(an empty page)"), (other, "(1 samples of something else)")):
                mail = chain.mailbox.wait(f"[CRITICAL] {address}: Not Host Exporter: something else answers", 60)
                assert what in mail.prose()
            warning = chain.mailbox.wait("[WARNING] web-07: Responds only now and then", 120)
            assert " % of the scrapes of " in warning.prose()
        finally:
            stopped.set()
            flaps.join()
        flapper.well = False
        chain.mailbox.wait(f"[CRITICAL] web-07: {DOWN}", 90)
        assert "HostExporterFlapping" not in alerts(chain, flapping)
        subjects = [subject for subject in chain.mailbox.subjects() if "web-07" in subject]
        assert [subject.split("]")[0] for subject in subjects] == ["[WARNING", "[CRITICAL"], subjects


def test_what_only_passes_for_an_exporter_is_told(tmp_path: Path) -> None:
    with ExitStack() as stack, make_chain(tmp_path / "chain") as chain:

        def target(name: str, respond: Callable[[], bytes]) -> str:
            address: str = stack.enter_context(serving(Answering(respond).handler))
            (chain.targets / f"{name}.yml").write_text(f'- targets: ["{address}"]\n')
            return address

        def live() -> bytes:
            return fetch(f"{chain.urls['exporter']}/metrics").text.encode()

        def half() -> bytes:
            return next(turns)()

        copy = live()
        turns: Iterator[Callable[[], bytes]] = itertools.cycle((live, lambda: b"node_load1 1\n"))
        told = {
            target("copy", lambda: copy): "with the same old figures",
            target("half", half): " % of the scrapes of 10 minutes without our metrics",
            target("version", lambda: b"host_exporter_build_info 1\n"): "without any of our metrics",
            target("name", lambda: b"host_info 1\n"): "without any of our metrics",
        }
        redirect = stack.enter_context(serving(redirecting(f"{chain.urls['exporter']}/metrics")))
        (chain.targets / "redirect.yml").write_text(f'- targets: ["{redirect}"]\n')
        endless = target("endless", lambda: b"host_info 1\n" * (1 << 18))
        told |= dict.fromkeys((redirect, endless), "for at least 2 minutes. The machine is down or unreachable")
        for address, text in told.items():
            eventually(partial(mailed, chain, address, text), 90)


def redirecting(where: str) -> type[BaseHTTPRequestHandler]:
    """Return a server that sends everybody to another address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", where)
            self.send_header("Content-Length", "0")
            self.end_headers()

    return Handler


def mailed(chain: Chain, *texts: str) -> bool:
    """Return whether the texts are in an email."""
    return any(all(text in mail.prose() for text in texts) for mail in chain.mailbox.mails)


FIGURES = b'host_info{hostname="web-07"} 1\nhost_exporter_collector_success{collector="memory"} 1\n'


class Answering:
    """A server whose answer a test sets: these figures while it is ``well``, an error otherwise."""

    def __init__(self, figures: bytes | Callable[[], bytes]) -> None:
        self.well = True
        answering = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = figures if isinstance(figures, bytes) else figures()
                self.send_response(200 if answering.well else 503)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.handler = Handler

    def flap(self, stopped: threading.Event) -> None:
        """Be well for 2 s of 5, until told to stop: never away for as long as HostExporterDown waits."""
        while not stopped.is_set():
            self.well = not self.well
            stopped.wait(2 if self.well else 3)


def about(chain: Chain) -> list[str]:
    """Return the subjects of all emails about the laptop."""
    return [subject for subject in chain.mailbox.subjects() if "aspen" in subject]


def alerts(chain: Chain, address: str) -> set[str]:
    """Return the names of a machine's alerts that fire in Prometheus."""
    found = query(chain, f'ALERTS{{alertstate="firing", instance="{address}"}}')
    return {series["metric"]["alertname"] for series in found}


def ended(chain: Chain, address: str, name: str) -> bool:
    """Whether none of a machine's alerts of this name fires in Prometheus."""
    return name not in alerts(chain, address)
