"""The tests can be collected on Windows and macOS: what does not apply there is skipped, and no import fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

# Loaded by pytest before any test. The two libraries come first, because on the real systems they import other modules.
ELSEWHERE = """
import os, signal, socket, sys
import playwright.sync_api, psutil

for name in ("pwd", "grp", "fcntl", "resource", "termios", "tty", "pty", "curses", "syslog"):
    sys.modules[name] = None  # an import of it raises ModuleNotFoundError
unix = "chown fork getegid geteuid getgid getgroups getloadavg getpgid getuid killpg mkfifo mknod openpty " \\
    "sched_getaffinity setegid seteuid setgid setgroups setsid setuid statvfs sysconf uname waitid " \\
    "O_CLOEXEC O_DIRECTORY O_NOFOLLOW P_PID WEXITED WNOHANG WNOWAIT WSTOPPED"
for module, names in (
    (os, unix),
    (signal, "SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGSTOP SIGTSTP SIGUSR1 SIGUSR2 SIGWINCH"),
    (socket, "AF_UNIX"),
):
    for name in names.split():
        if hasattr(module, name):  # macOS lacks some
            delattr(module, name)
sys.platform = "elsewhere"  # a real other one would send the standard library to modules that are not here
"""


def test_every_file_is_collected_where_nothing_of_unix_is_there(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.py").write_text(ELSEWHERE)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "elsewhere", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-6000:]}{done.stderr[-2000:]}"
