"""Runs a command and turns every failure into one line and an exit code."""

from __future__ import annotations

import contextlib
import difflib
import errno
import io
import logging
import os
import sys
import warnings
from typing import NoReturn

import click

from exporter.commands.cli import cli
from exporter.commands.options import flag_of
from exporter.commands.output import discard_output
from exporter.commands.variables import variable, variables
from exporter.errors import UserError, cause, shortage


def main() -> NoReturn:
    """Run the command. A failure prints one line, never a traceback; bad input exits with code 2."""
    for stream in (sys.stdout, sys.stderr):
        # Print "?" for characters that the terminal's encoding lacks.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    # psutil warns about fields that an old kernel lacks; the collector reports what matters.
    warnings.filterwarnings("ignore", category=RuntimeWarning, module="psutil")
    try:
        cli.main(standalone_mode=False, prog_name="host-exporter")
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as reason:
        fail(reason.format_message(), 2)
    except click.UsageError as reason:
        fail(_one_line(reason), 2)
    except UserError as reason:
        fail(str(reason) + variables(str(reason)), reason.exit_code)
    except click.ClickException as reason:
        fail(reason.format_message(), reason.exit_code)
    except (OSError, MemoryError, ImportError) as reason:
        _fail_for(reason)
        raise
    sys.exit(0)


def fail(text: str, code: int) -> NoReturn:
    """Print one line to standard error and exit."""
    with contextlib.suppress(OSError):  # the exit code is all that is left to tell it
        click.echo(f"host-exporter: {' '.join(text.split())}", err=True)
    sys.exit(code)


def _fail_for(reason: Exception) -> None:
    """End if the reason is one of the machine's: too little of something, or an output that cannot be written."""
    if lacking := shortage(reason):
        fail(lacking, 1)
    if isinstance(reason, OSError):
        discard_output()
        if isinstance(reason, BrokenPipeError):  # the reader stopped reading: ``stats | head``
            sys.exit(1)
        text = "it is closed" if reason.errno == errno.EBADF else cause(reason)
        fail(f"cannot write to standard output: {text}", 1)


def _one_line(reason: click.UsageError) -> str:
    text = reason.format_message()
    if isinstance(reason, click.NoSuchOption):
        # click compares the dashes too, and so every flag looks similar to it.
        word = reason.option_name.lstrip("-")
        near = [flag for flag in reason.possibilities or () if difflib.get_close_matches(word, [flag[2:]], cutoff=0.7)]
        text = reason.message + (f" Did you mean {' or '.join(near)}?" if near else "")
    if isinstance(reason, click.NoSuchOption) or "No such command" in text:
        command = f" {reason.ctx.info_name}" if reason.ctx and reason.ctx.parent else ""
        return f"{text} For help, run: host-exporter{command} --help"
    if isinstance(reason, click.BadParameter) and reason.param is not None:
        flag = flag_of(reason.param)
        if isinstance(reason.param.type, click.types.BoolParamType):  # a switch gets a value from a variable only
            value = os.environ.get(variable(flag), "")
            return f"{flag}: {value!r} is not accepted; give true or false{variables(flag)}"
        return f"{flag}: {reason.message}"
    return text
