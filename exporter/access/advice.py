"""What is worth a warning in a valid web configuration: it works, but not for long, or not as well as it seems."""

from __future__ import annotations

import os
import stat
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from exporter.access.certificate import read_certificates
from exporter.access.hashes import QUICK, USUAL, cost_of, seconds_of
from exporter.address import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.access.certificate import Certificate
    from exporter.access.config import WebConfig
    from exporter.access.tls_section import Pem, Tls

NOTHING = "has no access control (neither tls_server_config nor basic_auth_users)"

PUBLISHED = b"$2b$10$hEAPukPAYzhCf4IkdcDIFeez3AjNm.lFGGtCIxyOVb0qdqnkoaRVy"
"""The hash of "change me" in examples/tls/web-config.yml."""

SOON = timedelta(days=30)
LARGEST_RSA = 4096


def advise(config: WebConfig, host: str) -> list[str]:
    """Return a line for each thing worth a warning, with the key it is about; ``host`` is listened on."""
    lines = [*_about_access(config, is_loopback(host), host), *_about_passwords(config), *_about_rate(config)]
    if config.tls:
        lines += _about_key(config.tls, config.source)
        lines += about_certificates(config.tls)
    return [f"--web-config {config.source}: {line}" for line in lines]


def _about_access(config: WebConfig, private: bool, host: str) -> Iterator[str]:
    if not config.protects():
        yield f"{NOTHING}; whoever can reach {host} can read everything"
    if config.users and not config.tls and not private:
        yield f"has no tls_server_config: on {host} passwords are sent in clear text"
    if PUBLISHED in config.users.values() and not private:
        yield "basic_auth_users: a password is the one of the published example; choose another one"


def _about_passwords(config: WebConfig) -> Iterator[str]:
    costs = [cost_of(hashed) for hashed in config.users.values()]
    if cheap := sum(cost < USUAL for cost in costs):
        words = f"{cheap} of {len(costs)} hashes have" if len(costs) > 1 else "the hash has"
        yield f"basic_auth_users: {words} a cost below {USUAL}, quick to guess from for whoever reads this file"
    if costs and max(costs) > QUICK:
        words = f"a hash has cost {max(costs)}, so that a wrong password takes about {seconds_of(max(costs)):.0f} s"
        yield f"basic_auth_users: {words} of one core, and others like it must come back later; {USUAL} is usual"


def _about_rate(config: WebConfig) -> Iterator[str]:
    if config.rate and not config.rate.burst:
        yield "rate_limit: a burst of 0 answers no request at all; give the number that may come at once"


def _about_key(tls: Tls, source: str) -> Iterator[str]:
    path = tls.key.path or source
    try:
        shared = os.name != "nt" and os.stat(path).st_mode & stat.S_IROTH
    except OSError:  # it has just been read: it will be noticed at the next reload
        return
    if shared:
        yield f"tls_server_config.{tls.key.key}: every user of this machine can read {path!r}; chmod o-r it"


def about_certificates(tls: Tls) -> Iterator[str]:
    """Return a line for each file whose certificates are not valid now, or not for long, and what else is odd."""
    own, authorities = _certificates(tls.cert), _certificates(tls.client_ca)
    # All of our chain must be valid; of the authorities one is enough.
    if own:
        yield from _about_validity(tls.cert, max(each.begins for each in own), min(each.ends for each in own))
        if not own[0].has_names:
            yield f"{_where(tls.cert)} names no host (subjectAltName); Prometheus and browsers refuse it"
        if own[0].rsa_bits > LARGEST_RSA:
            words = f"has an RSA key of {own[0].rsa_bits} bits, which makes each TLS handshake slow for everyone"
            yield f"{_where(tls.cert)} {words}; give an ECDSA key, or one of {LARGEST_RSA} bits at most"
    if authorities and tls.client_ca:
        begins, ends = min(each.begins for each in authorities), max(each.ends for each in authorities)
        yield from _about_validity(tls.client_ca, begins, ends)


def _about_validity(pem: Pem, begins: datetime, ends: datetime) -> Iterator[str]:
    now = datetime.fromtimestamp(time.time(), UTC)
    if begins > now:
        yield f"{_where(pem)} is not valid before {begins:%Y-%m-%d %H:%M} UTC; it is refused until then"
    if ends <= now:
        yield f"{_where(pem)} expired on {ends:%Y-%m-%d}; whoever verifies it refuses it; renew it"
    elif ends - now < SOON:
        yield f"{_where(pem)} expires on {ends:%Y-%m-%d}, in {(ends - now).days} days; renew it"


def _where(pem: Pem) -> str:
    return f"tls_server_config.{pem.key}: {pem.path!r}" if pem.path else f"tls_server_config.{pem.key}: it"


def _certificates(pem: Pem | None) -> list[Certificate]:
    try:
        return read_certificates(pem.read()) if pem else []
    except (OSError, ValueError):  # gone since it was loaded
        return []
