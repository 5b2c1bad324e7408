"""The files in packaging/ are what its README, systemd and launchd expect."""

from __future__ import annotations

import plistlib
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.commands.cli import cli, known_variables
from exporter.settings import Settings
from tests.support_servers import program

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"
README = (PACKAGING / "README.md").read_text(encoding="utf-8")
UNIT = PACKAGING / "systemd/host-exporter.service"
ENVIRONMENT = (PACKAGING / "systemd/host-exporter.env").read_text(encoding="utf-8")
PLIST = plistlib.loads((PACKAGING / "launchd/local.host-exporter.plist").read_bytes())

EXPOSURE = 2.1
"""The exposure that ``systemd-analyze security`` of systemd 252 computes for the file; the running unit gets 1.9."""

LAUNCHD_KEYS = {
    "Label": str,
    "ProgramArguments": list,
    "EnvironmentVariables": dict,
    "UserName": str,
    "RunAtLoad": bool,
    "KeepAlive": dict,
    "ThrottleInterval": int,
    "ExitTimeOut": int,
    "Nice": int,
    "StandardErrorPath": str,
}
"""From launchd.plist(5), with their types: launchd silently ignores a key that it does not know."""


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that exists, because systemd-analyze complains about a missing one."""
    copy = tmp_path / UNIT.name
    copy.write_text(
        UNIT.read_text(encoding="utf-8").replace("/usr/local/bin/host-exporter", shutil.which("true") or "")
    )
    return copy


def analyze(*args: str) -> subprocess.CompletedProcess[str]:
    command = program("systemd-analyze", hint="apt install systemd")
    return subprocess.run([command, *args], capture_output=True, text=True, check=False)


def test_systemd_has_nothing_to_say_against_the_unit(unit: Path) -> None:
    result = analyze("verify", str(unit))
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_the_unit_exposes_little(unit: Path) -> None:
    # The threshold is in tenths. Later versions check for more, so leave a little room.
    result = analyze("security", "--offline=yes", f"--threshold={EXPOSURE * 10 + 3:.0f}", str(unit))
    assert result.returncode == 0, result.stdout


def test_what_systemd_calls_unsafe_is_explained_in_the_unit(unit: Path) -> None:
    text = UNIT.read_text(encoding="utf-8")
    for name in (
        "ProtectHome",
        "PrivateUsers",
        "ProtectProc",
        "ProcSubset",
        "PrivateNetwork",
        "ProtectHostname",
        "ProtectClock",
    ):
        assert re.search(rf"^#.*\b{name}=", text, re.MULTILINE), name
    listed = analyze("security", "--offline=yes", "--no-pager", str(unit)).stdout
    unsafe = set(re.findall(r"^✗ (\w+)=\s", listed, re.MULTILINE))
    # For a service that uses the host's root, mounts and real-time clock; they do not matter for this one.
    assert {name for name in unsafe if f"{name}=" not in text} <= {"RootDirectory", "PrivateMounts", "DeviceAllow"}


def test_the_commands_of_unit_and_plist_are_understood() -> None:
    started = re.findall(r"^ExecStart=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    for program_, command, *flags in [*map(shlex.split, started), PLIST["ProgramArguments"]]:
        assert program_ == "/usr/local/bin/host-exporter"
        assert flags == []
        assert command in cli.commands


def test_all_variables_are_known() -> None:
    named = set(re.findall(r"HOST_EXPORTER_[A-Z_]+[A-Z]", ENVIRONMENT + README + UNIT.read_text(encoding="utf-8")))
    assert named | set(PLIST["EnvironmentVariables"]) <= known_variables()


def test_the_shown_defaults_are_the_real_ones() -> None:
    values = dict(re.findall(r"^#HOST_EXPORTER_(\w+)=(\S+)$", ENVIRONMENT, re.MULTILINE))
    for name in set(values) - {"HOST", "EXPORT_CSV"}:
        default = getattr(Settings(), name.lower())
        assert type(default)(values[name]) == default, name


def test_launchd_knows_every_key_of_the_plist() -> None:
    assert {key: type(value) for key, value in PLIST.items()} == LAUNCHD_KEYS
    assert PLIST["KeepAlive"] == {"SuccessfulExit": False}
    assert all(isinstance(value, str) for value in PLIST["EnvironmentVariables"].values())
    assert README.count(f"system/{PLIST['Label']}\n") == 1


def test_every_file_that_the_readme_names_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert {"systemd/host-exporter.service", "launchd/local.host-exporter.plist"} <= set(links)
    for link in links:
        assert (PACKAGING / link).exists(), link
    for path in re.findall(r"packaging[/\\][\w./\\-]+", README):
        assert (ROOT / path.replace("\\", "/")).is_file(), path


def test_every_command_of_the_readme_is_understood() -> None:
    blocks = "".join(re.findall(r"```\w+\n(.*?)```", README, re.DOTALL))
    commands = re.findall(r"^(?:\S*host-exporter(?:\.exe)?|& \$exe) (\w.*)$", blocks, re.MULTILINE)
    commands += re.findall(r"-Argument '(.*)'", README)
    assert len(commands) >= 4
    for line in commands:
        name, *words = shlex.split(line)
        known = {option for parameter in cli.commands[name].params for option in parameter.opts}
        assert {word for word in words if word.startswith("-")} <= known, line


def test_the_icon_is_what_its_script_draws(tmp_path: Path) -> None:
    script = PACKAGING / "binary/icon.py"
    (tmp_path / "icon.py").write_bytes(script.read_bytes())
    subprocess.run([sys.executable, tmp_path / "icon.py"], check=True)
    from PIL import Image

    with Image.open(tmp_path / "host-exporter.ico") as drawn, Image.open(script.with_name("host-exporter.ico")) as kept:
        assert drawn.info["sizes"] == kept.info["sizes"] >= {(16, 16), (32, 32), (256, 256)}
        assert drawn.convert("RGBA").tobytes() == kept.convert("RGBA").tobytes(), "the largest size"
