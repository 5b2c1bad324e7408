"""Variables are filled in as Compose does it, and what ships survives awkward values."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.support_servers import FETCHED, program
from tests.tools.stack.shipped import ROOT, Shipped, interpolate

if TYPE_CHECKING:
    from pathlib import Path

AWKWARD = {
    "SMTP_PASSWORD": """ p'a"s$s #wörd: {{ .x }} \\n %20 | > & * ! ` [""",
    "SMTP_USER": 'jörg o\'neil #1: "x" $HOME',
    "SMTP_FROM": "Überwachung <alerts+$host@example.org>",
    "ALERT_EMAIL_TO": "Jörg O'Neil <j.o'neil@example.org>, ops@example.org",
    "SMTP_HOST": "mail.example.org",
    "SMTP_PORT": "587",
    "SMTP_REQUIRE_TLS": "true",
    "PUBLIC_NAME": "monitor.example.org",
    "MACHINE_NAME": "büro-pc #1 'x' \"y\" $z",
    "GRAFANA_ADMIN_PASSWORD": """g'r"a$f #ana ä""",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a $$ b", "a $ b"),
        ("${A}", "x"),
        ("$A.", "x."),
        ("${NO}", ""),
        ("${NO:-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${A:-d}", "x"),
        ("${NO:-a ${A:-b} c}", "a x c"),
        ("${A:+yes}", "yes"),
        ("${EMPTY:+yes}", ""),
        ("${D}", "$A ${A}"),  # a value is not looked into
    ],
)
def test_variables_are_filled_in(text: str, expected: str) -> None:
    assert interpolate(text, {"A": "x", "EMPTY": "", "D": "$A ${A}"}) == expected


@pytest.mark.parametrize("text", ["${A?message}", "${", "${1}", "$ ", "${A:-${B}"])
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not known|lone dollar|without its end"):
        interpolate(text, {})


@pytest.mark.parametrize("variables", [{}, AWKWARD], ids=["defaults", "awkward"])
def test_compose_fills_in_the_same(tmp_path: Path, variables: dict[str, str]) -> None:
    """Held against Compose itself, with .env written in single quotes, as .env.example says."""
    folder = checkout(tmp_path, variables)
    done = subprocess.run(
        [program("docker-compose"), "config", "--no-normalize"],
        cwd=folder, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    theirs = yaml.safe_load(done.stdout)
    ours = Shipped.read(root=folder)
    for name in ("alertmanager", "mail"):
        assert ours.config(name) == theirs["configs"][name]["content"].replace("$$", "$")
    for service in ("exporter", "grafana"):
        environment = {k: str(v).replace("$$", "$") for k, v in theirs["services"][service]["environment"].items()}
        assert ours.environment(service) == environment
    for service in ("prometheus", "alertmanager"):
        assert ours.command(service) == theirs["services"][service]["command"]


@pytest.mark.parametrize("variables", [{}, AWKWARD], ids=["defaults", "awkward"])
def test_alertmanager_reads_what_was_meant(tmp_path: Path, variables: dict[str, str]) -> None:
    shipped = Shipped.read(root=checkout(tmp_path, variables))
    config = yaml.safe_load(shipped.config("alertmanager"))
    assert config["global"]["smtp_auth_password"] == variables.get("SMTP_PASSWORD", "")
    assert config["global"]["smtp_auth_username"] == variables.get("SMTP_USER", "")
    assert config["global"]["smtp_from"] == variables.get("SMTP_FROM", "host-exporter@localhost")
    assert config["receivers"][0]["email_configs"][0]["to"] == variables.get("ALERT_EMAIL_TO", "owner@localhost")
    done = amtool(tmp_path, shipped, "check-config", str(tmp_path / "alertmanager.yml"))
    assert done.returncode == 0, done.stderr
    assert "SUCCESS" in done.stdout


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("alertname=HostHighCpu severity=critical", "mail"),
        ("alertname=HostHighCpu severity=warning", "mail"),
        ("alertname=HostRebooted severity=info", "mail-once"),
        ("alertname=Watchdog severity=none", "nobody"),
        ("alertname=SomethingElse", "mail"),
    ],
)
def test_alerts_are_routed(tmp_path: Path, labels: str, receiver: str) -> None:
    shipped = Shipped.read()
    config = f"--config.file={tmp_path}/alertmanager.yml"
    done = amtool(
        tmp_path, shipped, "config", "routes", "test", config, f"--verify.receivers={receiver}", *labels.split()
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_variable_is_in_the_example_with_its_default() -> None:
    """A setting that nobody can find does not exist; an example that says another default is false."""
    text = (ROOT / "docker-compose.yml").read_text()
    example = dict(
        line.lstrip("#").strip().split("=", 1)
        for line in (ROOT / ".env.example").read_text().splitlines()
        if "=" in line and line.lstrip("#").split("=")[0].isupper()
    )
    used: dict[str, str] = {}
    for name, default in re.findall(r"\$\{([A-Z_]+):-([^{}]*)\}", text):
        assert used.setdefault(name, default) == default, f"{name} has two defaults"
    assert used == example


def checkout(folder: Path, variables: dict[str, str]) -> Path:
    """Copy what Compose reads and write .env."""
    shutil.copy(ROOT / "docker-compose.yml", folder)
    quoted = [f"{name}='{value.replace(chr(39), chr(92) + chr(39))}'" for name, value in variables.items()]
    (folder / ".env").write_text("\n".join(quoted) + "\n", encoding="utf-8")
    return folder


def amtool(folder: Path, shipped: Shipped, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run amtool on the shipped configuration."""
    path = program("amtool")
    text = shipped.config("alertmanager").replace("/etc/alertmanager", str(folder))
    (folder / "alertmanager.yml").write_text(text, encoding="utf-8")
    (folder / "mail.tmpl").write_text(shipped.config("mail"), encoding="utf-8")
    start = FETCHED.parents[1] if FETCHED.exists() else None
    return subprocess.run([path, *arguments], cwd=start, capture_output=True, text=True, timeout=60, check=False)
