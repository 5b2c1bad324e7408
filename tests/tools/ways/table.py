"""The table "Ways to die", and its place in docs/reliability.md."""

from __future__ import annotations

import platform
import re
import subprocess
import textwrap
import time
from typing import TYPE_CHECKING

from exporter import __version__
from tests.tools.stack.chain import find
from tests.tools.stack.shipped import ROOT
from tests.tools.ways.peers import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.tools.stack.mailbox import Mail
    from tests.tools.ways.peers import Peer
    from tests.tools.ways.run import Result

PAGE = ROOT / "docs/reliability.md"
PLACE = re.compile(r"^Measured on [^\n]*(?:\n[^\n]+)*\n\n\| what happens \|[^\n]*\n(?:\|[^\n]*\n)+", re.MULTILINE)
"""The table, and the paragraph before it."""
HEAD = "| what happens | | email after | what it says | node_exporter with node-mixin |\n|---|---|---:|---|---|\n"


def table(results: Iterable[Result], minutes: float, peer: Peer | None) -> str:
    """Return the table in Markdown."""
    return HEAD + "".join(f"{_row(result, minutes, peer)}\n" for result in results if result.way.alert)


def _row(result: Result, minutes: float, peer: Peer | None) -> str:
    way, mail = result.way, result.mail
    after = f"{mail.time - result.struck:.0f} s" if mail else f"**nothing** in {minutes:g} min"
    theirs = "; ".join(f"{alert} after {when - result.struck:.0f} s" for alert, when in result.theirs)
    if not theirs:
        theirs = "nothing" if peer else "not measured"
    cells = (way.fault, "real" if way.real else "files", after, _said(mail, way.name) if mail else "", theirs)
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _said(mail: Mail, name: str) -> str:
    """Return a mail's subject without the machine's name, and the first sentences of what it says."""
    level, _, rest = mail.subject.partition("] ")
    subject = f"{level}] {rest.removeprefix(f'{name}: ')}"
    paragraph = mail.body().split("\n\n")[1]
    return f"**{_plain(subject)}**: {_plain(textwrap.shorten(' '.join(paragraph.split()), 240, placeholder=' …'))}"


def _plain(text: str) -> str:
    """Return a text that is no Markdown."""
    return re.sub(r"([*_<`\[\]])", r"\\\1", text)


def write(results: Iterable[Result], minutes: float, peer: Peer | None) -> None:
    """Replace the table and the line before it that says where and when it was measured."""
    page = PAGE.read_text(encoding="utf-8")
    if len(PLACE.findall(page)) != 1:
        raise ValueError(f"{PAGE} has no place for the table")
    text = f"{textwrap.fill(_where(minutes, peer), 130)}\n\n{table(results, minutes, peer)}"
    PAGE.write_text(PLACE.sub(lambda _: text, page), encoding="utf-8")


def _where(minutes: float, peer: Peer | None) -> str:
    prometheus = subprocess.run([find("prometheus"), "--version"], capture_output=True, text=True, check=True).stdout
    version = prometheus.split()[2]
    beside = f"node_exporter and node-mixin {VERSION.removeprefix('v')}" if peer else "no node_exporter"
    return (
        f"Measured on {time.strftime('%Y-%m-%d')} in one run of {minutes:g} minutes: "
        f"Host Exporter {__version__}, Prometheus {version}, "
        f"{beside}, Linux {platform.release().split('-')[0]}."
    )
