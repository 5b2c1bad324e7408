"""An area of the window that scrolls vertically if its content does not fit."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from exporter.desktop.looks import Looks


class Scroll:
    """Put content into the frame ``inside``, which is as wide as the window."""

    def __init__(self, root: tk.Misc, looks: Looks) -> None:
        self.frame = ttk.Frame(root)
        self._canvas = tk.Canvas(
            self.frame, highlightthickness=0, background=looks.colours.back, yscrollincrement=looks.px(20), height=1
        )
        self._bar = ttk.Scrollbar(self.frame, command=self._canvas.yview)
        self._canvas.configure(yscrollcommand=self._bar.set)
        self._canvas.pack(side="left", fill="both", expand=True)
        self.inside = ttk.Frame(self._canvas, padding=(looks.px(20), 0, looks.px(20), looks.px(4)))
        self._item = self._canvas.create_window(0, 0, anchor="nw", window=self.inside)
        self.inside.bind("<Configure>", lambda _: self._fit())
        self._canvas.bind("<Configure>", self._widen)
        for keys, step, unit in (
            ("<Prior>", -1, "pages"),
            ("<Next>", 1, "pages"),
            ("<Button-4>", -3, "units"),  # the wheel on X11
            ("<Button-5>", 3, "units"),
        ):
            root.bind(keys, lambda _, step=step, unit=unit: self._move(step, unit))  # type: ignore[misc]
        root.bind("<MouseWheel>", lambda event: self._move(-3 if event.delta > 0 else 3, "units"))

    def _widen(self, event: tk.Event[Any]) -> None:
        self._canvas.itemconfigure(self._item, width=event.width)
        self._fit()

    def _fit(self) -> None:
        """Show the scrollbar only if there is something to scroll."""
        height = self.inside.winfo_reqheight()
        self._canvas.configure(scrollregion=(0, 0, 1, height))
        if height > self._canvas.winfo_height():
            self._bar.pack(side="right", fill="y")
        else:
            self._bar.pack_forget()
            self._canvas.yview_moveto(0)

    def _move(self, count: int, unit: Any) -> None:
        if self._bar.winfo_manager():
            self._canvas.yview_scroll(count, unit)
