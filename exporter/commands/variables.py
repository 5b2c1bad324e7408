"""The environment variables behind the flags: ``--cpu-warning`` is ``HOST_EXPORTER_CPU_WARNING``."""

from __future__ import annotations

import os
import re
import sys

PREFIX = "HOST_EXPORTER_"


def variable(flag: str) -> str:
    """Return the variable that sets a flag."""
    return PREFIX + flag.removeprefix("--").replace("-", "_").upper()


def variables(text: str) -> str:
    """Name the variables that set the flags in ``text``, as far as the command line does not set them."""
    flags = re.findall(r"--[a-z]+(?:-[a-z]+)*", text)
    given = {word.partition("=")[0] for word in sys.argv}
    names = [variable(flag) for flag in dict.fromkeys(flags) if flag not in given and variable(flag) in os.environ]
    return f" (set by {', '.join(names)})" if names else ""
