"""The command ``host-exporter``: ``serve``, ``watch``, ``desktop``, ``stats``, ``health``, ``test-alert``."""

from __future__ import annotations

import difflib
import logging
import os
import sys
import sysconfig
from typing import Any

import click

import exporter
from exporter import __version__
from exporter.commands.options import (
    EXPORTS,
    HOSTNAME,
    LISTEN,
    MACHINE,
    ROOTFS,
    THEME,
    THRESHOLDS,
    VERBOSE,
    NumberType,
    interval,
    make_settings,
    options,
)
from exporter.commands.variables import PREFIX, variable
from exporter.settings import PORT, Settings, check_host

TEST_ALERT_URL = f"{PREFIX}TEST_ALERT_URL"

# A flag --cpu-warning is the variable HOST_EXPORTER_CPU_WARNING as well, for every command.
CONTEXT = {
    "auto_envvar_prefix": PREFIX.removesuffix("_"),
    "help_option_names": ["-h", "--help"],
    "max_content_width": 110,
    "show_default": True,
}
DEFAULT_COMMAND = "serve"


class Commands(click.Group):
    """A group whose default command is ``serve``: ``host-exporter --port 9000`` serves."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default command before arguments that begin with one of its flags."""
        if not args or (args[0].startswith("-") and args[0] not in {"-h", "--help", "--version", "--licenses"}):
            args = [DEFAULT_COMMAND, *args]
        return super().parse_args(ctx, args)


def show_licences(ctx: click.Context, _param: click.Parameter, asked: bool) -> None:
    """Print the licences and end, where asked for. The one-file program has them inside."""
    if not asked or ctx.resilient_parsing:
        return
    file = os.path.join(os.path.dirname(exporter.__file__), "LICENSES.txt")
    if os.path.exists(file):
        with open(file, "rb") as texts:
            click.echo(texts.read(), nl=False)
    else:
        folder = sysconfig.get_path("purelib")
        click.echo(f"Apache License 2.0. Each package has its own licence in its .dist-info folder in {folder}.")
    ctx.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="host-exporter")
@click.option(
    "--licenses",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=show_licences,
    help="Show the licences of the program and of what is inside it, and exit.",
)
def cli() -> None:
    """Show one machine's CPU, memory, disks, network, battery and top processes.

    Without a command it serves: a status page on / and Prometheus metrics on /metrics. Every flag of a
    command can be set by a variable as well: --cpu-warning is HOST_EXPORTER_CPU_WARNING.
    """


@cli.command(context_settings=CONTEXT)
@options(
    LISTEN,
    (interval("Seconds between two rows of the exports."),),
    EXPORTS,
    THRESHOLDS,
    MACHINE,
    VERBOSE,
)
def serve(**values: Any) -> None:
    """Serve the status page, /metrics and /api/stats; with --export-... also write to files."""
    from exporter.commands.run import serve as run  # noqa: PLC0415 - other commands need no server

    run(start(values), values["export_csv"], values["export_jsonl"], values["interval"])


@cli.command(context_settings=CONTEXT)
@options((interval("Seconds between two samples."),), EXPORTS, THRESHOLDS, MACHINE, VERBOSE)
@click.option("--once", is_flag=True, help="Show one sample and end.")
def watch(**values: Any) -> None:
    """Show the machine live in the terminal; plain lines where the output is no terminal."""
    from exporter.commands.run import watch as run  # noqa: PLC0415

    run(start(values), values["export_csv"], values["export_jsonl"], values["interval"], once=values["once"])


@cli.command(context_settings=CONTEXT)
@options((interval("Seconds between two samples."),), THEME, THRESHOLDS, MACHINE, VERBOSE)
def desktop(**values: Any) -> None:
    """Show the machine in a window, with a button to record to a CSV file."""
    from exporter.commands.run import desktop as run  # noqa: PLC0415

    run(start(values), values["interval"], values["theme"])


@cli.command(context_settings=CONTEXT)
@options(THRESHOLDS, MACHINE, VERBOSE)
def stats(**values: Any) -> None:
    """Print one sample as JSON, the same as /api/stats."""
    from exporter.commands.run import stats as run  # noqa: PLC0415

    run(start(values))


@cli.command(context_settings=CONTEXT)
@click.argument("url", required=False)
@click.option("--host", default="127.0.0.1", help="Address that it listens on, without a URL.")
@click.option("--port", type=NumberType(PORT), default=5000, help="Port that it listens on, without a URL.")
def health(url: str | None, host: str, port: float) -> None:
    """Ask a running exporter whether it is alive: exit code 0 if so, 1 if not.

    URL is its address, by default that of --host and --port on this machine; there TLS and passwords are no hindrance.
    """
    from exporter.commands.health import check, check_here  # noqa: PLC0415

    check_host(host)
    alive, text = check(url) if url else check_here(host, port)
    click.echo(text, err=not alive)
    sys.exit(0 if alive else 1)


@cli.command("test-alert", context_settings=CONTEXT)
@click.argument("url", default="http://127.0.0.1:9093", envvar=TEST_ALERT_URL)
@options((ROOTFS, HOSTNAME))
def test_alert(url: str, **values: Any) -> None:
    """Post a test alert to Alertmanager, and say what to expect where.

    URL is Alertmanager's address, by default http://127.0.0.1:9093 (or HOST_EXPORTER_TEST_ALERT_URL).
    """
    from exporter.commands.run import test_alert as run  # noqa: PLC0415

    run(make_settings(values), url)


def start(values: dict[str, Any]) -> Settings:
    """Return the settings of a command, its log set up. Raises SettingError."""
    if values["verbose"]:
        logging.getLogger("exporter").setLevel(logging.DEBUG)
    for name in sorted(name for name in os.environ if name.startswith(PREFIX)):
        if name not in (known := known_variables()):
            similar = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {similar[0]}?" if similar else ""
            logging.getLogger("exporter").warning("the variable %s is not known and changes nothing%s", name, hint)
    return make_settings(values)


def known_variables() -> set[str]:
    """Return the variables of all commands: a container's hold for each command that runs in it."""
    parameters = [parameter for command in cli.commands.values() for parameter in command.params]
    return {variable(flag) for parameter in parameters for flag in parameter.opts} | {TEST_ALERT_URL}
