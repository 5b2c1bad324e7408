# ruff: noqa: INP001 - a script; a package called "packaging" would shadow the one on PyPI
"""Draws host-exporter.ico: the status page's icon (exporter/web/static/ok.svg) in the sizes that Windows uses.

Run it after changing the icon: ``.venv/bin/python packaging/binary/icon.py``
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

ICON = Path(__file__).with_name("host-exporter.ico")
SIZES = (16, 24, 32, 48, 64, 128, 256)
"""Pixels; file lists, title bar, taskbar and desktop each use the size that fits."""

GRID = 32
"""Side of ok.svg's view box; the figures below are in its units."""

GREEN = "#0f766e"
CORNER = 7
LINE = ((5, 18), (10, 18), (13, 9), (18, 24), (22, 15), (27, 15))
WIDTH = 3
FINE = 8
"""Oversampling factor: drawn larger and then scaled down, for smooth edges."""


def draw(size: int) -> Image.Image:
    """Return the icon, ``size`` pixels wide and high."""
    scale = size * FINE / GRID
    image = Image.new("RGBA", (size * FINE, size * FINE))
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle((0, 0, size * FINE - 1, size * FINE - 1), CORNER * scale, fill=GREEN)
    points = [(x * scale, y * scale) for x, y in LINE]
    pen.line(points, fill="white", width=round(WIDTH * scale))
    for x, y in points:  # round joints and ends
        half = WIDTH * scale / 2
        pen.ellipse((x - half, y - half, x + half, y + half), fill="white")
    return image.resize((size, size), Image.Resampling.LANCZOS)


def main() -> None:
    """Write the icon."""
    largest, *others = [draw(size) for size in reversed(SIZES)]
    largest.save(ICON, sizes=[(size, size) for size in SIZES], append_images=others)


if __name__ == "__main__":
    main()
