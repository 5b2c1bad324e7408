"""Which servers the tests and ``make stack`` use: those that are new enough and patched as expected."""

from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.support_servers import missing
from tests.tools.stack import chain
from tests.tools.stack.chain import OLDEST, MissingError, find
from tests.tools.stack.shipped import ROOT

SCRIPT = ROOT / "tests/tools/servers.sh"
WORDS = {
    "promtool": "promtool, version {} (branch: debian/sid, revision: 1)",
    "prometheus": "prometheus, version {} (branch: debian/sid, revision: 1)",
    "prometheus-alertmanager": "alertmanager, version {} (branch: debian/sid, revision: 1)",
    "docker-compose": "Docker Compose version v{}",
    "victoria-metrics": "{}",
}
NEW = {
    "promtool": "3.0.0",
    "prometheus": "3.5.3+ds1",
    "prometheus-alertmanager": "0.32.0",
    "docker-compose": "2.40.3-3",
    "victoria-metrics": "",  # Debian's build does not know its version, so any is accepted
}
PATH_IN_PROGRAM = "/usr/share/prometheus/alertmanager"


class Machine:
    """A folder with a copy of servers.sh, and a PATH with the shell's tools and whatever a test adds."""

    def __init__(self, folder: Path) -> None:
        self.programs = folder / "bin"
        self.programs.mkdir()
        self.fetched = folder / ".cache/servers/usr/bin"
        self._script = folder / "tests/tools/servers.sh"
        self._script.parent.mkdir(parents=True)
        shutil.copy(SCRIPT, self._script)
        tools = ("sh", "dirname", "sed", "head", "cat", "awk", "grep", "wc", "mkdir", "rm", "cp", "chmod")
        for tool in tools:
            (self.programs / tool).symlink_to(shutil.which(tool) or missing(f"no {tool} here"))

    def put(self, folder: Path, name: str, script: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod((folder / name).stat().st_mode | stat.S_IEXEC)

    def install(self, versions: dict[str, str], folder: Path | None = None) -> None:
        for name, version in versions.items():
            self.put(folder or self.programs, name, f"echo '{WORDS[name].format(version)}'")

    def run(self, *packages: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", str(self._script), *packages],
            env={"PATH": str(self.programs)}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("fetched", [False, True])
def test_what_is_new_enough_is_not_fetched(machine: Machine, fetched: bool) -> None:
    machine.install(NEW, machine.fetched if fetched else None)
    done = machine.run()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("name", "version", "said"),
    [
        ("prometheus", "2.42.0+ds", "2.42, 3.0 or later"),
        ("prometheus", "2.100.1", "2.100, 3.0 or later"),
        ("prometheus-alertmanager", "0.25.0", "0.25, 0.32 or later"),
        ("prometheus-alertmanager", "0.9.0", "0.9, 0.32 or later"),
        ("docker-compose", "1.29.2", "1.29, 2.23 or later"),
        ("promtool", "of unknown age", "0.0, 3.0 or later"),
    ],
)
def test_what_is_too_old_is_named(machine: Machine, name: str, version: str, said: str) -> None:
    """Debian 12's servers are on many a PATH. Without apt-get, as here, they cannot be replaced."""
    machine.install({**NEW, name: version})
    done = machine.run()
    assert done.returncode == 0
    assert done.stdout == (
        "not available here, so that tests are skipped: "
        f"{name} ({machine.programs}/{name} is {said} is needed) (no apt-get)\n"
    )


def test_make_stack_fetches_only_what_it_runs(machine: Machine) -> None:
    machine.install({**NEW, "docker-compose": "1.29.2", "promtool": "2.42"})
    done = machine.run("prometheus", "prometheus-alertmanager")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    machine.install({"prometheus": "2.42.0"})
    assert "prometheus (" in machine.run("prometheus", "prometheus-alertmanager").stdout


def test_both_places_know_the_same_oldest_versions() -> None:
    text = SCRIPT.read_text()
    for name, oldest in OLDEST.items():
        if name != "alertmanager":  # its name outside Debian, where servers are not fetched
            assert f"\n{name}:{name}:{oldest[0]}.{oldest[1]}\n" in text


def test_an_old_server_on_the_path_is_not_started(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.install({**NEW, "prometheus": "2.42.0+ds"})
    monkeypatch.setenv("PATH", str(machine.programs))
    monkeypatch.setattr(chain, "FETCHED", machine.fetched)
    with pytest.raises(MissingError, match=r"/bin/prometheus is version 2\.42, 3\.0 or later is needed: on Debian run"):
        find("prometheus")
    with pytest.raises(MissingError, match=r"^grafana is not installed"):
        find("grafana")
    machine.install(NEW, machine.fetched)
    assert find("prometheus") == str(machine.fetched / "prometheus")
    # If the fetched one is too old and the one on PATH is new, the new one.
    machine.install({"prometheus": "2.53.0"}, machine.fetched)
    machine.install(NEW)
    assert find("prometheus") == str(machine.programs / "prometheus")


@pytest.mark.parametrize("count", [3, 2, 4, 0])
def test_a_package_that_changed_is_named_and_not_taken(machine: Machine, count: int) -> None:
    """With an apt-get that delivers an Alertmanager with that many copies of the path."""
    if not Path("/usr/share/keyrings/debian-archive-keyring.gpg").exists():
        missing("no Debian keyring here")
    machine.install({name: version for name, version in NEW.items() if name != "prometheus-alertmanager"})
    machine.put(machine.programs, "apt-config", "")
    machine.put(machine.programs, "apt-get", "case $* in *download*) echo >prometheus-alertmanager_1.deb ;; esac")
    content = f"\\000{PATH_IN_PROGRAM}/ui\\000" * count
    machine.put(
        machine.programs,
        "dpkg",
        f"""mkdir -p "$3/usr/bin" && printf '{content}' >"$3/usr/bin/prometheus-alertmanager" """
        """&& chmod +x "$3/usr/bin/prometheus-alertmanager" """,
    )
    done = machine.run()
    program = machine.fetched / "prometheus-alertmanager"
    if "no Debian mirror" in done.stdout:
        missing("no Debian mirror in apt's sources")
    if count == 3:
        assert (done.returncode, done.stderr) == (0, "")
        assert program.read_bytes() == f"\0{PATH_IN_PROGRAM[1:]}//ui\0".encode() * 3
    else:
        assert done.returncode == 1
        assert done.stderr == (
            f"servers.sh: prometheus-alertmanager of Debian sid holds {PATH_IN_PROGRAM} {count} times, not 3: "
            "the package has changed, see what is patched here\n"
        )
        assert not program.exists()
