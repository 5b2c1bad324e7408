"""``make load-test``: puts the exporter and the example under load with locust, and writes docs/load-test.md."""

from __future__ import annotations

import csv
import platform
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from tests.tools.ports import free_port
from tests.tools.stack.process import Server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/load-test.md"
SECONDS = 30
COLUMNS = ("Request Count", "Failure Count", "Requests/s", "50%", "95%", "99%", "Max Response Time")


@dataclass(frozen=True)
class Case:
    """A program, and how many users send it requests. ``PORT`` in its command is replaced."""

    user: str
    users: int
    folder: Path
    command: tuple[str, ...]
    ready: str

    @contextmanager
    def served(self, folder: Path) -> Iterator[str]:
        """Run the program on loopback; yields its address."""
        port = str(free_port())
        url = f"http://127.0.0.1:{port}"
        command = [word.replace("PORT", port) for word in self.command]
        log = folder / f"{self.user}.log"
        server = Server(self.user, command, ready=url + self.ready, log=log, folder=self.folder)
        server.environment = {"DIGITS_SAVED_IMAGES": str(folder / "saved_images")}
        server.start()
        try:
            server.wait()
            yield url
        finally:
            server.stop()


CASES = (
    Case("Exporter", 40, ROOT, (sys.executable, "-m", "exporter", "serve", "--port", "PORT"), "/-/ready"),
    Case(
        "Digits", 40, ROOT / "examples/digits",
        (sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:PORT", "digits:create_app()"), "/metrics",
    ),
)  # fmt: skip


def ask(case: Case, seconds: int, folder: Path) -> list[dict[str, str]]:
    """Run locust and return its table. Raises CalledProcessError if a request failed."""
    with case.served(folder) as url:
        command = [
            sys.executable, "-m", "locust", "--locustfile", str(Path(__file__).with_name("locustfile.py")), case.user,
            "--headless", "--only-summary", "--users", str(case.users), "--spawn-rate", str(case.users),
            "--run-time", f"{seconds}s", "--stop-timeout", "10", "--host", url, "--csv", str(folder / case.user),
        ]  # fmt: skip
        subprocess.run(command, cwd=ROOT, check=True, timeout=seconds + 120)
    with (folder / f"{case.user}_stats.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def table(rows: list[dict[str, str]]) -> str:
    """Return locust's figures as a table; times in ms."""
    lines = ["| request | requests | failed | per second | median | 95 % | 99 % | longest |", "|---|" + "---:|" * 7]
    for row in rows:
        name = f"{row['Type']} {row['Name']}".strip().replace("Aggregated", "all")
        lines.append("| " + " | ".join([name, *(f"{float(row[column]):.0f}" for column in COLUMNS)]) + " |")
    return "\n".join(lines)


def machine() -> str:
    """Return a description of this machine and the versions used."""
    cores, memory = psutil.cpu_count(), psutil.virtual_memory().total / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in ("cheroot", "gunicorn", "locust", "scikit-learn"))
    return f"{cores} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}, {packages}"


def main(seconds: int, page: Path = PAGE, cases: Sequence[Case] = CASES) -> int:
    """Run all cases and write their tables at the end of ``page``. Returns the exit code."""
    parts = []
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            try:
                rows = ask(case, seconds, Path(folder))
            except subprocess.CalledProcessError:
                print(f"load-test: requests to {case.user} failed, see above", file=sys.stderr)
                return 1
        parts.append(f"## {case.user}: {case.users} users, {seconds} s\n\n{table(rows)}\n")
    intro = page.read_text(encoding="utf-8").split("\nMeasured on: ")[0]
    page.write_text(f"{intro}\nMeasured on: {machine()}.\n\n" + "\n".join(parts), encoding="utf-8")
    print(f"{page} is written")
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else SECONDS))
