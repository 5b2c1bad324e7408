"""The check of .env: what is wrong is named before anything starts, and what works is not complained about."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.stack.support import example
from tests.stack.test_shipped import AWKWARD
from tests.support_servers import program
from tests.tools.doctor import files, kinds, names
from tests.tools.doctor.__main__ import main
from tests.tools.doctor.ports import DEFAULTS, EXAMPLE, FLEET
from tests.tools.doctor.report import shown
from tests.tools.stack.shipped import ROOT
from tests.tools.zones import zones

if TYPE_CHECKING:
    from pathlib import Path

MAIL = {
    "SMTP_HOST": "smtp.example.org",
    "SMTP_PORT": "587",
    "SMTP_FROM": "alerts@example.org",
    "SMTP_USER": "me",
    "SMTP_PASSWORD": "a-secret",
    "SMTP_REQUIRE_TLS": "true",
    "ALERT_EMAIL_TO": "you@example.org",
}


@pytest.fixture(autouse=True)
def no_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever runs on this machine; test_doctor_ports.py is about that. Nor is its Docker the matter here."""
    monkeypatch.setattr("tests.tools.doctor.ports.ports", lambda *_args, **_kwargs: iter(()))
    monkeypatch.setattr(files, "compose", lambda **_kwargs: iter(()))


class Check:
    """A folder with the Compose files and a .env; ``lines`` is what the check says of it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys
        for file in ROOT.glob("docker-compose*.yml"):
            (folder / file.name).write_bytes(file.read_bytes())

    def write(self, text: str, mode: int = 0o600) -> None:
        (self.folder / ".env").write_text(text, encoding="utf-8")
        (self.folder / ".env").chmod(mode)

    def lines(self, *arguments: str, **environment: str) -> list[str]:
        self.code = main(list(arguments), environment, self.folder)
        return self._capsys.readouterr().out.splitlines()


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    return Check(tmp_path, capsys)


def written(values: dict[str, str]) -> str:
    quoted = {name: value.replace("'", "\\'") for name, value in values.items()}
    return "".join(f"{name}='{value}'\n" for name, value in quoted.items())


def test_every_variable_is_known() -> None:
    """One list: that of .env.example, of the Compose files, and of the check."""
    assert names.VARIABLES.keys() == example().keys()
    read = {
        name
        for file in ROOT.glob("docker-compose*.yml")
        for name in re.findall(r"(?<!\$)\$\{([A-Z_]+)", file.read_text())
    }
    assert names.VARIABLES.keys() | names.FORMER.keys() == read
    assert names.VARIABLES.keys() >= names.SECRETS
    ports = {name: str(port) for name, port in (DEFAULTS | FLEET | EXAMPLE).items()}
    assert ports == {name: value for name, value in example().items() if name.endswith("_PORT") and name in ports}
    published = {name for name in names.VARIABLES if name.endswith("_PORT")} - {"SMTP_PORT"}
    assert ports.keys() == published


def test_secrets_are_those_that_the_documentation_calls_so() -> None:
    assert {name for name in names.VARIABLES if "PASSWORD" in name} < names.SECRETS


def test_nothing_set_is_well(check: Check) -> None:
    assert check.lines() == ["all well"]
    assert check.code == 0


@pytest.mark.parametrize("values", [{}, example(), AWKWARD], ids=["none", "defaults", "awkward"])
def test_what_works_is_not_called_wrong(check: Check, values: dict[str, str]) -> None:
    # The inbox needs none of these; with the defaults written out, they are there.
    check.write(written({name: value for name, value in values.items() if name != "WEB_CONFIG"}))
    wrong = [line for line in check.lines("compose") if line.startswith("wrong")]
    assert wrong == []
    assert check.code == 0


BAD = {
    "ALERT_EMAIL_TO": ["you", "a@b, c", "@"],
    "SMTP_HOST": ["smtp.example.org:587", "smtp://x", "a b"],
    "SMTP_PORT": ["abc", "0", "65536", "+25", "5_8", " 25x"],
    "SMTP_FROM": ["Host Exporter", "a@b, c@d"],
    "SMTP_REQUIRE_TLS": ["STARTTLS", "1 "],
    "TZ": ["Mars", "Europe/Berln", "CEST", "europe/berlin"],
    "HEARTBEAT_URL": ["hc.example.org/ping", "ftp://a", "http://a b"],
    "MACHINE_NAME": ["a\tb"],
    "CPU_WARNING": ["80%", "0.8", "101", "-1", "eighty"],
    "TEXTFILE_DIR": ["textfile", "./textfile", "no"],
    "RETENTION_TIME": ["90 days", "90", "3 d", "d", "-1d", "1d1y"],
    "RETENTION_SIZE": ["5 GB", "5G", "5gb", "5"],
    "BIND_ADDRESS": ["localhost", "eth0", "1.2.3", "0.0.0.0:80", "::1"],
    "WEB_CONFIG": ["web.yml", "/etc/web.yml"],
    "PUBLIC_NAME": ["http://nas", "nas:5000", "a,b", "*.example.org"],
    "ALLOWED_HOST": ["http://nas", "nas:5000", "a b", "nas.example.org *.example.net"],
    "EXPORTER_PORT": ["http", "70000", "-1"],
    "EXPORTER_MEMORY_LIMIT": ["lots", "512 mb x", "-1", "1.5.5g"],
    "ROOTFS_MOUNT": ["rw", "rslave", "ro,rw"],
    "LONG_RETENTION": ["3 years", "y", "-1y"],
    "DASHBOARDS_FROM": ["prometheus:9090"],
    "REMOTE_WRITE_URL": ["mimir/api"],
    "HA_CLUSTER": ["a-b"],
    "SHARD": ["a b", "$x"],
    "DIGITS_SAVED_IMAGES_COUNT": ["1.5", "many"],
    "DIGITS_SLOW": ["slow"],
    "DIGITS_TRY_ERRORS": ["yes"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, bad in BAD.items() for value in bad])
def test_a_bad_value_is_one_line_that_says_what_is_accepted(check: Check, name: str, value: str) -> None:
    check.write(written({**(MAIL if name in MAIL else {}), name: value}))
    lines = [line for line in check.lines("compose") if line.startswith("wrong")]
    assert check.code == 1
    (line,) = [line for line in lines if line.startswith(f"wrong: {name}")]
    assert re.search(": give (a|an|one|host|letters|true|ro|0) ?", line), line
    assert (value in line) is (name not in names.SECRETS and value.isprintable())


def test_every_kind_has_a_bad_value() -> None:
    tried = {names.VARIABLES[name] for name in BAD}
    assert {check for name, check in names.VARIABLES.items() if check not in tried} <= {kinds.anything, kinds.number}


@pytest.mark.parametrize(("name", "near"), [
    ("SMPT_HOST", "SMTP_HOST"),
    ("EXPORTERPORT", "EXPORTER_PORT"),
    ("smtp_port", "SMTP_PORT"),
    ("RETENTION", "RETENTION_TIME"),
    ("HOST_EXPORTER_CPU_WARNING", "CPU_WARNING"),
    ("HOST_EXPORTER_PORT", "EXPORTER_PORT"),
    ("HOST_EXPORTER_HOSTNAME", "MACHINE_NAME"),
])  # fmt: skip
def test_a_name_that_nothing_reads_is_named_with_what_may_be_meant(check: Check, name: str, near: str) -> None:
    check.write(f"\n{name}=x\n")
    assert check.lines() == [f"wrong: .env, line 2: {name} is no setting; did you mean {near}?", "1 wrong"]


def test_names_of_compose_and_of_files_of_the_owners_are_no_mistakes(check: Check) -> None:
    check.write("COMPOSE_PROJECT_NAME=a\nBACKUP_FOLDER=/b\nFOO=1\n")
    (check.folder / "docker-compose.override.yml").write_text(
        "services: {exporter: {volumes: ['${BACKUP_FOLDER}:/b']}}"
    )
    assert check.lines() == ["warning: .env, line 3: no setting, nothing reads it", "all well, 1 warning"]
    assert check.code == 0


@pytest.mark.parametrize(("change", "line"), [
    ({}, ""),
    ({"SMTP_FROM": ""}, "wrong: SMTP_HOST=smtp.example.org needs SMTP_FROM too: whom it is from"),
    ({"ALERT_EMAIL_TO": ""}, "wrong: SMTP_HOST=smtp.example.org needs ALERT_EMAIL_TO too: who gets the email"),
    ({"SMTP_PORT": ""}, "wrong: SMTP_HOST=smtp.example.org needs SMTP_PORT too: 587, or what your provider says"),
    ({"SMTP_USER": ""}, "warning: SMTP_PASSWORD is set, SMTP_USER is not: no login without both"),
    ({"SMTP_PASSWORD": ""}, "warning: SMTP_USER is set, SMTP_PASSWORD is not: no login without both"),
    ({"SMTP_REQUIRE_TLS": "false"}, "wrong: SMTP_PASSWORD would be sent unencrypted: set SMTP_REQUIRE_TLS=true"),
    ({"SMTP_REQUIRE_TLS": ""}, "wrong: SMTP_PASSWORD would be sent unencrypted: set SMTP_REQUIRE_TLS=true"),
    ({"SMTP_REQUIRE_TLS": "false", "SMTP_PORT": "465"}, ""),
    ({"SMTP_REQUIRE_TLS": "", "SMTP_USER": "", "SMTP_PASSWORD": ""},
     "warning: SMTP_PORT=587: email is sent unencrypted unless SMTP_REQUIRE_TLS=true"),
    ({"SMTP_PASSWORD": "a-secret "}, "warning: SMTP_PASSWORD: Alertmanager drops the spaces at its ends"),
    ({"SMTP_HOST": "", "SMTP_PORT": "", "SMTP_USER": "", "SMTP_PASSWORD": ""},
     "warning: ALERT_EMAIL_TO=you@example.org: without SMTP_HOST all email goes to the stack's own inbox"),
    ({"SMTP_HOST": "", "ALERT_EMAIL_TO": "", "SMTP_PORT": "", "SMTP_USER": ""},
     "wrong: SMTP_HOST is not set, SMTP_PASSWORD would be used for the stack's own inbox"),
    ({"CPU_WARNING": "95"}, "wrong: CPU_WARNING=95: give a percentage below CPU_CRITICAL (90), or 'none'"),
    ({"MEMORY_CRITICAL": "70"}, "wrong: MEMORY_WARNING=80: give a percentage below MEMORY_CRITICAL (70), or 'none'"),
    ({"FILESYSTEM_WARNING": "none", "FILESYSTEM_CRITICAL": "20"}, ""),
])  # fmt: skip
def test_what_does_not_go_together_is_said(check: Check, change: dict[str, str], line: str) -> None:
    check.write(written({**MAIL, **change}))
    assert check.lines()[:-1] == ([line] if line else [])


@pytest.mark.parametrize(("text", "line"), [
    ("SMTP_USER=pa$word\n", "wrong: .env, line 1: SMTP_USER: Compose replaces $word by nothing"),
    ('SMTP_USER="pa${A}x"\n', "wrong: .env, line 1: SMTP_USER: Compose replaces $A by nothing"),
    ("MACHINE_NAME=x\nSMTP_USER=$MACHINE_NAME\n", "warning: .env, line 2: SMTP_USER: Compose replaces $MACHINE_NAME"),
    ("SMTP_USER='pa$word'\n", ""),
    ("SMTP_USER=pa$$word\n", ""),
    ("SMTP_USER=\u201cme\u201d\n", "warning: .env, line 1: SMTP_USER: its quotes become part of the value"),
    ("SMTP_USER=me'\n", "warning: .env, line 1: SMTP_USER: its quotes become part of the value"),
    ("GRAFANA_ADMIN_PASSWORD=a #b\n", "warning: .env, line 1: GRAFANA_ADMIN_PASSWORD: what follows ' #' is a comment"),
    ("CPU_WARNING=70 # low\n", ""),
    ("CPU_WARNING=70\n\nCPU_WARNING=60\n", "warning: .env, line 3: CPU_WARNING is also set in line 1"),
    ("A B=3\n", "wrong: .env, line 1: not NAME=value"),
    ("SMTP_USER='x\n", "wrong: .env, line 1: a quote is missing"),
    ("SMTP_USER=a$\n", "wrong: .env, line 1: a lone dollar sign"),
])  # fmt: skip
def test_what_compose_makes_something_else_of_is_said(check: Check, text: str, line: str) -> None:
    check.write(text)
    found = [each for each in check.lines() if ".env, line" in each]
    assert len(found) == (line != "")
    assert not line or found[0].startswith(line)


def test_passwords_are_never_shown(check: Check) -> None:
    secret = "hush-hush"
    texts = [f"{secret}", f"a${secret}", f'"{secret}', f"'{secret}' x", f"{secret}'", f"{secret} #{secret}"]
    texts += [f"a$1{secret}", f"a${{{secret}}}", f"a${{{secret}", f'"a${secret}"']
    for name in (*names.SECRETS, "SMPT_PASWORD"):
        for text in texts:
            check.write(f"{name}={text}\n", mode=0o644)
            assert "hush" not in "".join(check.lines()), text


@pytest.mark.parametrize("value", [
    "http://u:hush@x:y/", "smtp://u:hush@x", "u:hush@x", "http://u:hu/hush@b@x:y", "http://u:hush #rest@x", "//hush@x",
    "http://u:$hush@x:y/", "ftp://u:hush@[::1]/" + "long" * 20, "http://u:hush",
])  # fmt: skip
def test_no_value_is_shown_with_the_password_of_its_address(check: Check, value: str) -> None:
    for name in names.VARIABLES.keys() - names.SECRETS:
        for quote in ("", '"', "'"):
            check.write(f"{name}={quote}{value}{quote}\n")
            assert "hush" not in "".join(check.lines()), (name, quote)
    (check.folder / "targets").mkdir()
    (check.folder / "targets/a.yml").write_text(f'- targets: ["{value}"]\n')
    check.write("")
    assert "hush" not in "".join(check.lines())


def test_an_address_without_a_password_is_shown_as_it_is() -> None:
    plain = ["http://nas:5000/metrics", "ftp://[::1]:80/a b", "nas:5000", "you@example.org", "a@b, c@d", "http://a b"]
    assert [shown(value) for value in plain] == plain
    assert shown("http://u:p@nas:80/x") == "http://...@nas:80/x"


@pytest.mark.parametrize("rest", ["{}=def", "{}=", "{}='x", "{}=a$", "{}=\u201cx\u201d", "{}=1\n{}=2", "{} x", "{}"])
@pytest.mark.parametrize("secret", ["hunter2", "HUNTER", "hun_TER"])
def test_the_rest_of_a_password_that_is_broken_over_two_lines_is_not_shown(
    check: Check, rest: str, secret: str
) -> None:
    check.write(f"SMTP_PASSWORD=abc\n{rest.replace('{}', secret)}\n")
    lines = check.lines()
    assert secret not in "".join(lines)
    assert [line for line in lines if ".env, line " in line]


def test_no_line_has_characters_that_a_terminal_acts_on(check: Check) -> None:
    check.write('SMTP_HOST="a\\n\\rb"\nALERT_EMAIL_TO="a\\rb"\n')
    lines = check.lines()
    assert len(lines) > 3
    assert all(line.isprintable() for line in lines)
    check.write('ALERT_EMAIL_TO="a\\rb"\n')
    assert all(line.isprintable() for line in check.lines())


def test_a_password_that_others_can_read_is_said(check: Check) -> None:
    check.write(written(MAIL), mode=0o644)
    assert check.lines()[0] == "warning: .env holds SMTP_PASSWORD and has mode 644: chmod 600 .env"
    check.write("CPU_WARNING=70\n", mode=0o644)
    assert check.lines() == ["all well"]


def test_the_environment_comes_first_as_for_compose(check: Check) -> None:
    check.write("CPU_WARNING=80%\n")
    assert check.lines(CPU_WARNING="70") == ["all well"]
    for name in ("TZ", "TIMEZONE"):
        lines = check.lines(**{"CPU_WARNING": "70", name: "Mars"})
        assert lines == [f"wrong: {name}=Mars: give a time zone such as Europe/Berlin or UTC", "1 wrong"]
    # As some shells have it, and Alertmanager reads it.
    assert check.lines(CPU_WARNING="70", TZ=":Europe/Berlin") == ["all well"]


def test_a_file_that_is_no_text_is_one_line(check: Check) -> None:
    (check.folder / ".env").write_bytes(b"A=\xff\xfe\n")
    assert check.lines() == ["wrong: .env is not a text in UTF-8", "1 wrong"]
    (check.folder / ".env").unlink()
    (check.folder / ".env").mkdir()
    assert check.lines() == ["wrong: .env: Is a directory", "1 wrong"]


def test_a_web_configuration_that_is_missing_is_said(check: Check, tmp_path: Path) -> None:
    check.write(f"WEB_CONFIG=/host{tmp_path}/web.yml\n")
    assert check.lines()[0].endswith(": there is no such file; /host is this machine's /")
    assert check.code == 1
    (tmp_path / "web.yml").touch()
    assert check.lines() == ["all well"]


@pytest.mark.parametrize(("text", "line"), [
    ('- targets: ["nas.example.org:5000", "[2001:db8::1]:5000"]\n  labels: {site: home}\n', ""),
    ("", ""),
    ("- targets: [oops\n", "targets/a.yml, line 2: not YAML: expected ',' or ']', but got '<stream end>'"),
    ("targets: [a]\n", 'targets/a.yml: give a list of groups such as - targets: ["nas.example.org:5000"]'),
    ("- targets: nas:5000\n", 'targets/a.yml: give a list of groups such as - targets: ["nas.example.org:5000"]'),
    ("- target: [nas:5000]\n", "targets/a.yml: target: a group has targets and labels only"),
    ("- targets: [nas]\n", "targets/a.yml: nas: give a name or an address with its port,"),
    ("- targets: ['http://nas:5000']\n", "targets/a.yml: http://nas:5000: give a name or an address with its port"),
    ("- targets: ['nas:5000/metrics']\n", "targets/a.yml: nas:5000/metrics: give a name or an address with its port"),
    ("- targets: ['nas:5000']\n  labels: [a]\n", "targets/a.yml: labels: give names and values, such as {site: home}"),
])  # fmt: skip
def test_target_files_are_checked(check: Check, text: str, line: str) -> None:
    (check.folder / "targets").mkdir()
    (check.folder / "targets/a.yml").write_text(text)
    found = [each.removeprefix("wrong: ") for each in check.lines()[:-1]]
    assert bool(found) is bool(line)
    assert not line or found[0].startswith(line)


def test_usage(check: Check) -> None:
    assert check.lines("nonsense") == []
    assert check.code == 2


def test_zones_are_those_of_the_package() -> None:
    assert kinds.ZONES.read_text(encoding="utf-8") == zones(), "make docs"


# The same values given to the programs that read them in the end.


@pytest.mark.parametrize(
    ("flag", "kind", "values"),
    [
        ("retention.time", kinds.age, ["1y2w3d", "0d", "1d12h30m", *BAD["RETENTION_TIME"]]),
        ("retention.size", kinds.size, ["0", "512MB", "1.5GB", "1GiB", "7B", *BAD["RETENTION_SIZE"]]),
    ],
)
def test_prometheus_agrees(tmp_path: Path, flag: str, kind: kinds.Check, values: list[str]) -> None:
    for value in values:
        command = [program("prometheus"), f"--storage.tsdb.{flag}={value}", f"--config.file={tmp_path}/none.yml"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert ("Error parsing command line" in done.stderr) is bool(kind(value)), (value, done.stderr)


@pytest.mark.parametrize("name", ["EXPORTER_MEMORY_LIMIT", "EXPORTER_PORT", "BIND_ADDRESS", "ROOTFS_MOUNT"])
def test_compose_agrees(tmp_path: Path, name: str) -> None:
    """It refuses what the check calls wrong, or would have Docker refuse it, and takes all else."""
    service = {
        "image": "x",
        "mem_limit": "${EXPORTER_MEMORY_LIMIT:-1g}",
        "ports": ["${BIND_ADDRESS:-127.0.0.1}:${EXPORTER_PORT:-5000}:5000"],
    }
    (tmp_path / "docker-compose.yml").write_text(yaml.safe_dump({"services": {"a": service}}))
    good = {
        "EXPORTER_MEMORY_LIMIT": ["0", "512m", "1.5gb", "16GiB", "2147483648", "600M", "131072k", "1 g"],
        "EXPORTER_PORT": ["1", "65535"],
        "BIND_ADDRESS": ["[::1]", "[127.0.0.1]", "0.0.0.0", "192.0.2.1"],
        "ROOTFS_MOUNT": [],
    }
    bad = [] if name == "ROOTFS_MOUNT" else BAD[name]
    for value in (*good[name], *bad):
        done = subprocess.run(
            [program("docker-compose"), "config", "--quiet"],
            cwd=tmp_path, env={**os.environ, name: value}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (done.returncode != 0) is bool(names.VARIABLES[name](value)), (value, done.stderr)
