"""Where users look for a file: their desktop folder."""

from __future__ import annotations

import os
import re
import sys

FILE = "metrics_desktop.csv"


def default_path() -> str:
    """Return the default path to record to: on the desktop, or in the home folder if there is no desktop."""
    home = os.path.expanduser("~")
    desktop = _known_folder(home) or os.path.join(home, "Desktop")
    return os.path.join(desktop if os.path.isdir(desktop) else home, FILE)


def full_path(text: str) -> str:
    """Return a typed path as an absolute one; a leading "~" is the home folder."""
    return os.path.abspath(os.path.expanduser(text.strip()))


if sys.platform == "win32":
    import winreg

    SHELL_FOLDERS = r"Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders"

    def _known_folder(_home: str) -> str:
        """Return the desktop folder from the registry: OneDrive and administrators may move it."""
        try:
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, SHELL_FOLDERS) as key:
                return os.path.expandvars(str(winreg.QueryValueEx(key, "Desktop")[0]))
        except OSError:
            return ""

else:

    def _known_folder(home: str) -> str:
        """Return the desktop folder from user-dirs.dirs (XDG): its name depends on the user's language."""
        config = os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
        try:
            with open(os.path.join(config, "user-dirs.dirs"), encoding="utf-8", errors="surrogateescape") as file:
                text = file.read()
        except OSError:
            return ""
        # Shell syntax: "$HOME/..." or an absolute path, in double quotes.
        found = re.findall(r'^\s*XDG_DESKTOP_DIR\s*=\s*"((?:[^"\\\n]|\\.)*)"', text, re.MULTILINE)
        if not found:
            return ""
        path = re.sub(r"\\(.)", r"\1", found[-1])
        path = re.sub(r"^\$HOME(?=/|$)", lambda _: home, path)
        return path if os.path.isabs(path) else ""
