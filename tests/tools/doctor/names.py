"""Every variable of .env: what it accepts, and whether it is a secret. The tests hold it against .env.example."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from tests.tools.doctor import kinds
from tests.tools.doctor.report import Finding, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.tools.doctor.kinds import Check

VARIABLES: dict[str, Check] = {
    "ALERT_EMAIL_TO": kinds.mails,
    "SMTP_HOST": kinds.name,
    "SMTP_PORT": kinds.port,
    "SMTP_FROM": kinds.mail,
    "SMTP_USER": kinds.anything,
    "SMTP_PASSWORD": kinds.anything,
    "SMTP_REQUIRE_TLS": kinds.truth,
    "TZ": kinds.zone,
    "HEARTBEAT_URL": kinds.url,
    "MACHINE_NAME": kinds.printable,
    "CPU_WARNING": kinds.percent,
    "CPU_CRITICAL": kinds.percent,
    "MEMORY_WARNING": kinds.percent,
    "MEMORY_CRITICAL": kinds.percent,
    "FILESYSTEM_WARNING": kinds.percent,
    "FILESYSTEM_CRITICAL": kinds.percent,
    "TEXTFILE_DIR": kinds.folder,
    "RETENTION_TIME": kinds.age,
    "RETENTION_SIZE": kinds.size,
    "BIND_ADDRESS": kinds.address,
    "WEB_CONFIG": kinds.in_host,
    "PUBLIC_NAME": kinds.name,
    "ALLOWED_HOST": kinds.names,
    "EXPORTER_PORT": kinds.port,
    "PROMETHEUS_PORT": kinds.port,
    "ALERTMANAGER_PORT": kinds.port,
    "GRAFANA_PORT": kinds.port,
    "MAILPIT_PORT": kinds.port,
    "GRAFANA_ADMIN_PASSWORD": kinds.anything,
    "EXPORTER_MEMORY_LIMIT": kinds.memory,
    "PROMETHEUS_MEMORY_LIMIT": kinds.memory,
    "ALERTMANAGER_MEMORY_LIMIT": kinds.memory,
    "GRAFANA_MEMORY_LIMIT": kinds.memory,
    "MAILPIT_MEMORY_LIMIT": kinds.memory,
    "VICTORIAMETRICS_MEMORY_LIMIT": kinds.memory,
    "DIGITS_MEMORY_LIMIT": kinds.memory,
    "ROOTFS_MOUNT": kinds.mount,
    "LONG_RETENTION": kinds.long_age,
    "DASHBOARDS_FROM": kinds.url,
    "REMOTE_WRITE_URL": kinds.url,
    "HA_CLUSTER": kinds.letters,
    "SHARD": kinds.label,
    "PROMETHEUS_B_PORT": kinds.port,
    "ALERTMANAGER_B_PORT": kinds.port,
    "VICTORIAMETRICS_PORT": kinds.port,
    "DIGITS_PORT": kinds.port,
    "DIGITS_SAVED_IMAGES_COUNT": kinds.whole,
    "DIGITS_SAVED_IMAGES_MB": kinds.number,
    "DIGITS_SLOW": kinds.number,
    "DIGITS_TRY_ERRORS": kinds.zero_or_one,
}

FORMER: dict[str, Check] = {"TIMEZONE": kinds.zone}
"""Earlier names that still count."""

SECRETS = {"SMTP_PASSWORD", "GRAFANA_ADMIN_PASSWORD", "HEARTBEAT_URL", "REMOTE_WRITE_URL"}
"""Passwords, and addresses that may hold one: never shown."""

_EXPORTERS = {"HOST_EXPORTER_HOSTNAME": "MACHINE_NAME", "HOST_EXPORTER_HOST": "BIND_ADDRESS"}
_OF_OTHERS = re.compile("COMPOSE_|DOCKER_|BUILDKIT_")
"""Compose's own variables."""


def values(given: Mapping[str, str]) -> Iterator[Finding]:
    """Yield every value that is not accepted. An empty one leaves the default."""
    for name, check in (FORMER | VARIABLES).items():
        value = given.get(name, "")
        if value and (accepted := check(value)):
            what = f"{name} (not shown)" if name in SECRETS else f"{name}={shown(value)}"
            yield Finding(f"{what}: give {accepted}")


def unknown(given: Mapping[str, int], folder: Path) -> Iterator[Finding]:
    """Yield the names in .env, each with its line, that nothing reads. Files of the owner's may use more than ours."""
    used = set(VARIABLES)
    for file in folder.glob("*compose*.y*ml"):
        used |= set(re.findall(r"\$\{?([A-Za-z_]\w*)", file.read_text(encoding="utf-8", errors="replace")))
    for name, line in given.items():
        if name in used or _OF_OTHERS.match(name):
            continue
        upper = name.upper()
        # The exporter's own variables are not read from here.
        likely = [_EXPORTERS.get(upper, ""), upper.removeprefix("HOST_EXPORTER_"), upper.removeprefix("HOST_"), upper]
        near = [each for each in likely if each in VARIABLES]
        near += difflib.get_close_matches(upper, VARIABLES, n=1, cutoff=0.75)
        if near:
            yield Finding(f".env, line {line}: {name} is no setting; did you mean {near[0]}?")
        else:
            # A name that is like no other may be the rest of a password that was broken over two lines.
            yield Finding(f".env, line {line}: no setting, nothing reads it", wrong=False)
