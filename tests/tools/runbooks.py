"""The page /runbooks: ``python -m tests.tools.runbooks`` writes its text from docs/runbooks.md.

Written beforehand, so that the exporter carries no Markdown reader.
"""

from __future__ import annotations

import re
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "docs" / "runbooks.md"
PAGE = ROOT / "exporter" / "web" / "templates" / "runbooks_text.html"


def text() -> str:
    """Return the HTML of docs/runbooks.md; each heading can be linked to by its words in lower case."""
    html = MarkdownIt("commonmark").render(SOURCE.read_text(encoding="utf-8"))
    # Wide commands scroll in their box, and the keyboard has to reach them.
    html = html.replace("<pre>", '<pre tabindex="0">')
    return re.sub(r"<h2>(.*?)</h2>", lambda found: f'<h2 id="{anchor(found[1])}">{found[1]}</h2>', html)


def anchor(heading: str) -> str:
    """Return what a link to a heading ends with, as on most sites that show Markdown."""
    return re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-"))


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
