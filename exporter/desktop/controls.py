"""The bottom of the window: a path field, and a button that records to it."""

from __future__ import annotations

import os
import tkinter as tk
from tkinter import filedialog, ttk
from typing import TYPE_CHECKING

from exporter.desktop.places import default_path, full_path
from exporter.desktop.recording import Recording
from exporter.desktop.text import shown
from exporter.thresholds import Level

if TYPE_CHECKING:
    from exporter.desktop.looks import Looks
    from exporter.model import Snapshot


class Controls:
    """Starts and stops a recording and shows its state."""

    def __init__(self, parent: tk.Misc, looks: Looks) -> None:
        self._looks = looks
        self.recording: Recording | None = None
        px = looks.px
        self.frame = ttk.Frame(parent, style="Card.TFrame", padding=(px(20), px(10)))
        self.path = tk.StringVar(parent, default_path())
        ttk.Label(self.frame, text="Record to CSV file").grid(row=0, column=0, padx=(0, px(10)))
        self.entry = ttk.Entry(self.frame, textvariable=self.path, font=looks.font)
        self.entry.grid(row=0, column=1, sticky="ew")
        self.entry.bind("<Return>", lambda _: self._toggle())
        self.entry.bind("<KP_Enter>", lambda _: self._toggle())
        # On X11, Tk binds this key to "beginning of line", as in Emacs; people expect "select all".
        self.entry.bind("<Control-a>", self._select_all)
        self.choose = ttk.Button(self.frame, text="Choose…", command=self._choose)
        self.choose.grid(row=0, column=2, padx=px(8))
        self.button = ttk.Button(self.frame, text="Record", style="Main.TButton", width=15, command=self._toggle)
        self.button.grid(row=0, column=3)
        for button in (self.choose, self.button):
            button.bind("<Return>", lambda event: event.widget.invoke())
        hint = "Appends a row to the file for each sample. Press Enter in the field to start."
        self.says = ttk.Label(self.frame, style="Quiet.TLabel", text=hint)
        self.says.grid(row=1, column=0, columnspan=4, sticky="ew", pady=(px(6), 0))
        self.frame.columnconfigure(1, weight=1)
        self.frame.bind("<Configure>", lambda event: self.says.configure(wraplength=event.width - px(44)))

    def offer(self, snapshot: Snapshot) -> None:
        """Record a snapshot if a recording is running. Called from the sampling thread."""
        if recording := self.recording:
            recording.offer(snapshot)

    def is_recording(self) -> bool:
        """Return whether a file is being written."""
        return self.recording is not None and self.recording.is_running()

    def refresh(self) -> None:
        """Show the state of the recording."""
        if self.recording is not None:
            running = self.recording.is_running()
            self._say(*self.recording.state())
            self.button.configure(text="Stop recording" if running else "Record")
            for part in (self.entry, self.choose):
                part.state(["disabled" if running else "!disabled"])

    def _toggle(self) -> None:
        if self.recording is not None and self.recording.is_running():
            self.recording.stop()
        elif not self.path.get().strip():
            self.recording = None
            self._say(Level.CRITICAL, "Enter a file to record to, for example metrics.csv")
            return
        else:
            self.recording = Recording(full_path(self.path.get()))
            self.recording.start()
        self.refresh()

    def _select_all(self, _event: tk.Event[tk.Misc]) -> str:
        self.entry.selection_range(0, "end")
        self.entry.icursor("end")
        return "break"

    def _choose(self) -> None:
        folder, name = os.path.split(full_path(self.path.get()))
        try:
            path = filedialog.asksaveasfilename(
                parent=self.frame,
                title="Record to",
                initialdir=folder,
                initialfile=name,
                defaultextension=".csv",
                filetypes=[("CSV", "*.csv"), ("All files", "*")],
                confirmoverwrite=False,  # rows are appended
            )
        except tk.TclError:  # the window was closed in the meantime
            return
        if path:
            self.path.set(path)
            self.entry.icursor("end")
            self.entry.xview_moveto(1)

    def _say(self, level: Level, text: str) -> None:
        colours = self._looks.colours
        colour = colours.quiet if level is Level.OK else colours.level(level)
        self.says.configure(text=shown(self.says, text), foreground=colour)
