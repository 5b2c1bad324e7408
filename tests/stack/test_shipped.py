"""The shipped configuration is valid, even with the most awkward values in .env."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.fleet.pair import FILES
from tests.rules.test_rules import rules
from tests.stack.support import SHORTER, example
from tests.support_servers import FETCHED, program
from tests.tools.stack.shipped import ROOT, Shipped

if TYPE_CHECKING:
    from pathlib import Path

# For each variable of .env.example, the valid value that is hardest to pass on.
AWKWARD = {
    "ALERT_EMAIL_TO": "Jörg O'Neil <j.o'neil@example.org>, \"a, b\" <ops+$x@example.org>",
    "SMTP_HOST": "[2001:db8::25]",
    "SMTP_PORT": "587",
    "SMTP_FROM": "Überwachung <alerts+$host@example.org>",
    "SMTP_USER": 'jörg o\'neil #1: "x" $HOME',
    "SMTP_PASSWORD": """ p'a"s$s #wörd: {{ .x }} \\n %20 | > & * ! ` [""",
    "SMTP_REQUIRE_TLS": "true",
    "HEARTBEAT_URL": "https://o'neil:p%40ss@hc.example.org/ping/a-b?x=$y&z=%7B1%7D&q=\"#1",
    "TZ": "America/Argentina/Buenos_Aires",
    "MACHINE_NAME": "büro-pc #1 'x' \"y\" $z \\n",
    "CPU_WARNING": "1",
    "CPU_CRITICAL": "99.95",
    "MEMORY_WARNING": "70",
    "MEMORY_CRITICAL": "85.5",
    "FILESYSTEM_WARNING": "1",
    "FILESYSTEM_CRITICAL": "100",
    "TEXTFILE_DIR": "/srv/Zahlen & 'Co'/$figures #1",
    "RETENTION_TIME": "1y2w3d",
    "RETENTION_SIZE": "1536MB",
    "BIND_ADDRESS": "[::1]",
    "WEB_CONFIG": "/host/etc/Zugänge & 'Co'/$web config.yml",
    "PUBLIC_NAME": "monitor.example.org",
    "ALLOWED_HOST": "nas.example.net, *.example.org",
    "EXPORTER_PORT": "65535",
    "PROMETHEUS_PORT": "19090",
    "ALERTMANAGER_PORT": "19093",
    "GRAFANA_PORT": "1",
    "MAILPIT_PORT": "18025",
    "GRAFANA_ADMIN_PASSWORD": """g'r"a$f #ana \\t ä""",
    "EXPORTER_MEMORY_LIMIT": "1.5gb",
    "PROMETHEUS_MEMORY_LIMIT": "0",
    "ALERTMANAGER_MEMORY_LIMIT": "2147483648",
    "GRAFANA_MEMORY_LIMIT": "600M",
    "MAILPIT_MEMORY_LIMIT": "131072k",
    "VICTORIAMETRICS_MEMORY_LIMIT": "16GiB",
    "DIGITS_MEMORY_LIMIT": "700mb",
    "ROOTFS_MOUNT": "ro,rslave",
    "LONG_RETENTION": "100d",
    "DASHBOARDS_FROM": "http://prometheus:9090",
    "REMOTE_WRITE_URL": "https://mimir.example.org/api/v1/push?a=$b&c='d'",
    "HA_CLUSTER": "home2",
    "SHARD": "east2",
    "PROMETHEUS_B_PORT": "19091",
    "ALERTMANAGER_B_PORT": "19095",
    "VICTORIAMETRICS_PORT": "18428",
    "DIGITS_PORT": "18000",
    "DIGITS_SAVED_IMAGES_COUNT": "0",
    "DIGITS_SAVED_IMAGES_MB": "0.5",
    "DIGITS_SLOW": "2.5",
    "DIGITS_TRY_ERRORS": "1",
}
BOTH = pytest.mark.parametrize("variables", [{}, AWKWARD], ids=["defaults", "awkward"])


def test_every_variable_has_an_awkward_value() -> None:
    assert AWKWARD.keys() == example().keys()
    assert [name for name, default in example().items() if AWKWARD[name] == default] == []


@BOTH
def test_compose_fills_in_the_same(tmp_path: Path, variables: dict[str, str]) -> None:
    """Compared with Compose itself, with the values of .env in single quotes, as .env.example says."""
    folder = checkout(tmp_path, variables)
    done = subprocess.run(
        [program("docker-compose"), "config", "--no-normalize"],
        cwd=folder, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    theirs = yaml.safe_load(done.stdout)
    ours = Shipped.read(root=folder)
    for name in ("alertmanager", "mail", "smtp-password", "heartbeat"):
        assert ours.config(name) == theirs["configs"][name]["content"].replace("$$", "$")
    for service in ("exporter", "alertmanager", "grafana"):
        environment = {k: str(v).replace("$$", "$") for k, v in theirs["services"][service]["environment"].items()}
        assert ours.environment(service) == environment
    for service in ("prometheus", "alertmanager"):
        assert ours.command(service) == theirs["services"][service]["command"]
    for service in ("exporter", "prometheus", "alertmanager", "grafana", "mailpit"):
        (port,) = theirs["services"][service]["ports"]
        assert ours.port(service) == int(port["published"])
        assert port["host_ip"] == variables.get("BIND_ADDRESS", "127.0.0.1").strip("[]")


@BOTH
def test_alertmanager_reads_what_was_meant(tmp_path: Path, variables: dict[str, str]) -> None:
    shipped = Shipped.read(root=checkout(tmp_path, variables))
    config = yaml.safe_load(shipped.config("alertmanager"))
    assert config["global"]["smtp_auth_password_file"] == "/etc/alertmanager/smtp-password"
    assert shipped.config("smtp-password") == variables.get("SMTP_PASSWORD", "") + "\n"
    assert config["global"]["smtp_auth_username"] == variables.get("SMTP_USER", "")
    assert config["global"]["smtp_from"] == variables.get("SMTP_FROM", "Host Exporter <host-exporter@localhost>")
    assert config["global"]["smtp_require_tls"] is ("SMTP_REQUIRE_TLS" in variables)
    host, port = variables.get("SMTP_HOST", "mailpit"), variables.get("SMTP_PORT", "1025")
    assert config["global"]["smtp_smarthost"] == f"{host}:{port}"
    assert config["receivers"][0]["email_configs"][0]["to"] == variables.get("ALERT_EMAIL_TO", "owner@localhost")
    check_alertmanager(tmp_path, shipped)


def test_the_heartbeats_address_is_where_only_alertmanager_looks(tmp_path: Path) -> None:
    """Neither in its environment, which docker inspect shows, nor in its configuration, which its page shows."""
    secret = "https://hc.example.org/ping/a-secret"
    shipped = Shipped.read({"HEARTBEAT_URL": secret}, dotenv=False)
    assert shipped.config("heartbeat").strip() == secret
    assert secret not in shipped.config("alertmanager")
    assert not [value for value in shipped.environment("alertmanager").values() if secret in value]
    # Compose recreates a container when this changes.
    hashes = {config_hash(checkout(tmp_path, {"HEARTBEAT_URL": url})) for url in ("", secret, f"{secret}2")}
    assert len(hashes) == 3


def config_hash(folder: Path) -> str:
    done = subprocess.run(
        [program("docker-compose"), "config", "--hash", "alertmanager"],
        cwd=folder, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return done.stdout


@pytest.mark.parametrize(
    "url", ["hc.example.org/ping", "ftp://hc.example.org/", "http://a b/", " ", "{{ .Nope }}", "http://[::1"]
)
def test_a_bad_heartbeat_address_does_not_keep_alertmanager_from_starting(tmp_path: Path, url: str) -> None:
    """It fails when it is used (test_heartbeat.py)."""
    check_alertmanager(tmp_path, Shipped.read({"HEARTBEAT_URL": url}, dotenv=False))


@pytest.mark.parametrize(
    ("name", "in_html"),
    [("monitor.example.org", "monitor.example.org"), ('a"b$1\\', "a%22b$1%5c")],
    ids=["name", "none"],
)
def test_links_carry_the_public_name(tmp_path: Path, name: str, in_html: str) -> None:
    """Even an invalid one: an email with a bad link is better than no email."""
    shipped = Shipped.read({"PUBLIC_NAME": name, "EXPORTER_PORT": "65535"}, dotenv=False)
    check_alertmanager(tmp_path, shipped)
    alert = {
        "status": "firing",
        "labels": {"alertname": "HostHighCpu", "instance": "a:1", "severity": "warning"},
        "annotations": {"summary": "s", "description": "d", "runbook_url": "http://localhost:5000/runbooks#cpu"},
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
    }
    (tmp_path / "alert.json").write_text(json.dumps({"status": "firing", "alerts": [alert], "externalURL": "http://a"}))
    for kind, expected in (("text", name), ("html", in_html)):
        done = amtool(
            tmp_path, shipped, "template", "render", f"--template.glob={tmp_path}/mail.tmpl", f"--template.type={kind}",
            f"--template.data={tmp_path}/alert.json", f'--template.text={{{{ template "host.{kind}" . }}}}',
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert f"http://{expected}:65535/runbooks#cpu" in done.stdout
        assert f"http://{expected}:3000/d/host?var-instance=a%3A1&" in done.stdout


@pytest.mark.parametrize("trouble", ["", "rule", "file", "target"])
def test_prometheus_reads_its_configuration(tmp_path: Path, trouble: str) -> None:
    """The files are where docker-compose.yml mounts them, and promtool does reject mistakes."""
    shipped = Shipped.read(dotenv=False)
    for ours, theirs in shipped.mounts("prometheus", "/etc/").items():
        place = tmp_path / theirs.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if ours.is_dir():
            shutil.copytree(ours, place)
        else:
            place.write_text(ours.read_text(encoding="utf-8").replace("/etc/", f"{tmp_path}/etc/"), encoding="utf-8")
    (config,) = (a.partition("=")[2] for a in shipped.command("prometheus") if a.startswith("--config.file="))
    folder = tmp_path / "etc/prometheus"
    if trouble == "rule":
        text = (folder / "alerts.yml").read_text(encoding="utf-8")
        (folder / "alerts.yml").write_text(text.replace('up{job="host"} == 0', 'up{job="host" == 0'), encoding="utf-8")
    if trouble == "file":
        (folder / "alerts.yml").unlink()
    if trouble == "target":
        (folder / "targets/more.yml").write_text("- targets: [oops\n")
    done = subprocess.run(
        [program("promtool"), "check", "config", "--lint=all", "--lint-fatal", str(tmp_path / config.lstrip("/"))],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode == 0) is (not trouble), done.stdout + done.stderr
    if not trouble:
        groups = yaml.safe_load((ROOT / "alerts.yml").read_text(encoding="utf-8"))["groups"]
        assert f"SUCCESS: {sum(len(group['rules']) for group in groups)} rules found" in done.stdout


def test_what_the_tests_shorten_is_there() -> None:
    """A changed duration would keep its full length in the tests, unnoticed."""
    shipped = Shipped.read(dotenv=False)
    text = "\n".join(
        [(ROOT / name).read_text(encoding="utf-8") for name in ("prometheus.yml", "alerts.yml")]
        + [shipped.config("alertmanager"), shipped.config("mail"), *shipped.command("prometheus")]
    )
    for long, short in SHORTER:
        assert long in text, f"nothing is {long!r} any more"
        text = text.replace(long, short)


@BOTH
@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("alertname=HostHighCpu severity=critical", "mail"),
        ("alertname=HostHighCpu severity=warning", "mail"),
        ("alertname=HostRebooted severity=info", "mail-once"),
        ("alertname=Watchdog severity=none", "nobody or heartbeat"),
        ("alertname=Other severity=none", "nobody"),
        ("alertname=Watchdog", "mail"),
        ("severity=warning", "mail"),  # nameless, as an unset variable matches it
        ("alertname=AppUnhandledErrors severity=critical", "mail"),
        ("alertname=SomethingElse", "mail"),
    ],
)
def test_alerts_are_routed(tmp_path: Path, labels: str, receiver: str, variables: dict[str, str]) -> None:
    shipped = Shipped.read(variables, dotenv=False)
    receiver = receiver.split(" or ")[-1 if "HEARTBEAT_URL" in variables else 0]
    config = f"--config.file={tmp_path}/alertmanager.yml"
    done = amtool(
        tmp_path, shipped, "config", "routes", "test", config, f"--verify.receivers={receiver}", *labels.split()
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_receivers_that_send_nothing_resolved_are_not_taken_for_hanging() -> None:
    """Alertmanager counts what they leave out as begun, and never as ended."""
    config = yaml.safe_load(Shipped.read(dotenv=False).config("alertmanager"))
    silent = {
        receiver["name"]
        for receiver in config["receivers"]
        for channels in receiver.values()
        if isinstance(channels, list) and not all(channel["send_resolved"] for channel in channels)
    }
    rule = (ROOT / "alerts.yml").read_text(encoding="utf-8").split("alert: AlertmanagerNotificationsHanging")[1]
    left_out = re.findall(r'receiver_name!~"(.+?)"', rule)
    assert len(left_out) == 4
    names = {receiver["name"] for receiver in config["receivers"]}
    for pattern in left_out:
        assert {name for name in names if re.fullmatch(pattern, name)} == silent


def test_every_variable_is_in_the_example_with_its_default() -> None:
    """Every setting is documented, with its real default."""
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in FILES)
    # Alertmanager's variables have no defaults; they are there only so that Compose notices a change.
    text = re.sub(r'^ +([A-Z_]+): "\$\{\1:-\}"\n', "", text, flags=re.MULTILINE)
    # The older name of TZ still counts.
    text = text.replace("${TZ:-${TIMEZONE:-UTC}}", "${TZ:-UTC}")
    used: dict[str, str] = {}
    for name, default in re.findall(r"\$\{([A-Z_]+):-([^{}]*)\}", text):
        assert used.setdefault(name, default) == default, f"{name} has two defaults"
    assert used == example()


def test_receivers_that_do_not_send_what_is_resolved_are_named_so() -> None:
    """Alertmanager counts such a notification as begun and never as ended: it would be taken for one that hangs."""
    (rule,) = [r for r in rules() if r.get("alert") == "AlertmanagerNotificationsHanging"]
    (left_out,) = set(re.findall(r'receiver_name!~"([^"]+)"', rule["expr"]))
    for receiver in yaml.safe_load(Shipped.read(dotenv=False).config("alertmanager"))["receivers"]:
        kinds = [integration for kind in receiver.values() if isinstance(kind, list) for integration in kind]
        sends = all(integration.get("send_resolved") for integration in kinds)
        assert sends or re.fullmatch(left_out, receiver["name"]), receiver["name"]
    for name in FILES:
        for service in yaml.safe_load((ROOT / name).read_text(encoding="utf-8").replace("!override", ""))["services"]:
            if service.startswith("alertmanager"):
                assert "--enable-feature=receiver-name-in-metrics" in command_of(name, service)


def command_of(name: str, service: str) -> list[str]:
    document = yaml.safe_load((ROOT / name).read_text(encoding="utf-8").replace("!override", ""))
    command: list[str] = document["services"][service]["command"]
    return command


def check_alertmanager(folder: Path, shipped: Shipped) -> None:
    done = amtool(folder, shipped, "check-config", str(folder / "alertmanager.yml"))
    assert done.returncode == 0, done.stderr
    assert "SUCCESS" in done.stdout


def checkout(folder: Path, variables: dict[str, str]) -> Path:
    """Copy the files that Compose reads, and write .env."""
    shutil.copy(ROOT / "docker-compose.yml", folder)
    quoted = [f"{name}='{value.replace(chr(39), chr(92) + chr(39))}'" for name, value in variables.items()]
    (folder / ".env").write_text("\n".join(quoted) + "\n", encoding="utf-8")
    return folder


def amtool(folder: Path, shipped: Shipped, *arguments: str, zone: str = "UTC") -> subprocess.CompletedProcess[str]:
    """Run amtool on the shipped configuration."""
    path = program("amtool")
    text = shipped.config("alertmanager").replace("/etc/alertmanager", str(folder))
    (folder / "alertmanager.yml").write_text(text, encoding="utf-8")
    (folder / "mail.tmpl").write_text(shipped.config("mail"), encoding="utf-8")
    start = FETCHED.parents[1] if FETCHED.exists() else None
    return subprocess.run(
        [path, *arguments],
        cwd=start,
        env={**os.environ, "TZ": zone},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
