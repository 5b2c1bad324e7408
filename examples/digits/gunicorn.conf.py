# ruff: noqa: INP001 - gunicorn looks for a file of this name, which is no module's
"""What gunicorn reads by itself when it is started in this folder."""

import os
import sys

from digits.settings import SettingError, Settings

# One process, with threads: the counters are in its memory, and with two processes each scrape would see one of them.
workers = 1
threads = 8
control_socket_disable = True  # nobody asks it, and it would want a home folder to write to

try:  # before there is a worker, so that a typing error is one line and no traceback
    Settings.from_environment(os.environ)
except SettingError as error:
    sys.exit(f"digits: {error}")
