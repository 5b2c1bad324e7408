# ruff: noqa: INP001 - gunicorn expects this file name, which is not a valid module name
"""gunicorn's configuration; it loads this file automatically when started in this folder."""

import os
import sys

from digits.settings import SettingError, Settings

# One process with threads: counters live in its memory, and with two processes a scrape would see only one of them.
workers = 1
threads = 8
control_socket_disable = True  # not used, and it would need a writable home folder

try:  # before any worker starts, so that a mistake gives one line and no traceback
    Settings.from_environment(os.environ)
except SettingError as error:
    sys.exit(f"digits: {error}")
