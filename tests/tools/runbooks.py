"""The page /runbooks: ``python -m tests.tools.runbooks`` generates its text from docs/runbooks.md.

Generated ahead of time, so that the exporter needs no Markdown parser.
"""

from __future__ import annotations

import re
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "docs" / "runbooks.md"
PAGE = ROOT / "exporter" / "web" / "templates" / "runbooks_text.html"


def text() -> str:
    """Return the HTML of docs/runbooks.md; each heading gets an anchor made of its lowercase words.

    One that is a name also has it as it is: Grafana makes links of labels, and cannot turn them into lowercase.
    """
    html = MarkdownIt("commonmark").render(SOURCE.read_text(encoding="utf-8"))
    # Wide commands scroll in their box, which must be reachable by keyboard.
    html = html.replace("<pre>", '<pre tabindex="0">')
    return re.sub(r"<h2>(.*?)</h2>", lambda found: _heading(found[1]), html)


def anchor(heading: str) -> str:
    """Return a heading's anchor, formed as on most sites that render Markdown."""
    return re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-"))


def _heading(heading: str) -> str:
    name = f'<span id="{heading}"></span>' if heading.isalnum() and heading != anchor(heading) else ""
    return f'{name}<h2 id="{anchor(heading)}">{heading}</h2>'


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
