"""The window's icon: a dot in the colour of the level, which the window title also gives in words."""

from __future__ import annotations

import tkinter as tk

SIZE = 32


def dot(root: tk.Misc, colour: str) -> tk.PhotoImage:
    """Return a filled circle on a transparent background."""
    image = tk.PhotoImage(master=root, width=SIZE, height=SIZE)
    radius = SIZE / 2 - 2
    for row in range(SIZE):
        above = row + 0.5 - SIZE / 2
        half = round(max(0.0, radius**2 - above**2) ** 0.5)
        if half:
            image.put(colour, to=(SIZE // 2 - half, row, SIZE // 2 + half, row + 1))
    return image
