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
from exporter.address import servers
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
from exporter.settings import PORT, Settings, check_host, check_urls

TEST_ALERT_URL = f"{PREFIX}TEST_ALERT_URL"
TEST_ALERT_PAGE = f"{PREFIX}TEST_ALERT_PAGE"

# Every flag has an environment variable: --cpu-warning is HOST_EXPORTER_CPU_WARNING, for every command.
CONTEXT = {
    "auto_envvar_prefix": PREFIX.removesuffix("_"),
    "help_option_names": ["-h", "--help"],
    "max_content_width": 110,
    "show_default": True,
}
DEFAULT_COMMAND = "serve"


class Commands(click.Group):
    """A group whose default command is ``serve``: ``host-exporter --port 9000`` starts the server."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert the default command if the arguments are empty or start with one of its flags."""
        if not args or (args[0].startswith("-") and args[0] not in {"-h", "--help", "--version", "--licenses"}):
            args = [DEFAULT_COMMAND, *args]
        return super().parse_args(ctx, args)


def show_licences(ctx: click.Context, _param: click.Parameter, asked: bool) -> None:
    """Print the licences and exit, if asked to. The one-file program carries them inside."""
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
    help="Show the licences of the program and everything in it, and exit.",
)
def cli() -> None:
    """Monitor one machine: CPU, memory, disks, network, battery and top processes.

    The default command is serve: a status page on / and Prometheus metrics on /metrics. Every flag can also be
    set through an environment variable: --port is HOST_EXPORTER_PORT.
    """


@cli.command(context_settings=CONTEXT)
@options(
    LISTEN,
    (interval("Seconds between two exported rows."),),
    EXPORTS,
    THRESHOLDS,
    MACHINE,
    VERBOSE,
)
def serve(**values: Any) -> None:
    """Serve the status page, /metrics and /api/stats. With --export-csv or --export-jsonl, also write files."""
    from exporter.commands.serve import serve as run  # noqa: PLC0415 - no other command needs the server

    settings = start(values)
    alertmanagers = "" if (given := os.environ.get(TEST_ALERT_URL, "")).strip().lower() == "none" else given
    check_urls(TEST_ALERT_URL, alertmanagers)
    run(settings, values["export_csv"], values["export_jsonl"], values["interval"], servers(alertmanagers))


@cli.command(context_settings=CONTEXT)
@options((interval("Seconds between two samples."),), EXPORTS, THRESHOLDS, MACHINE, VERBOSE)
@click.option("--once", is_flag=True, help="Show one sample and exit.")
def watch(**values: Any) -> None:
    """Show the machine live in the terminal. If the output is not a terminal, print one line per sample."""
    from exporter.commands.run import watch as run  # noqa: PLC0415

    run(start(values), values["export_csv"], values["export_jsonl"], values["interval"], once=values["once"])


@cli.command(context_settings=CONTEXT)
@options((interval("Seconds between two samples."),), THEME, THRESHOLDS, MACHINE, VERBOSE)
def desktop(**values: Any) -> None:
    """Show the machine in a window. A button records to a CSV file."""
    from exporter.commands.run import desktop as run  # noqa: PLC0415

    run(start(values), values["interval"], values["theme"])


@cli.command(context_settings=CONTEXT)
@options(THRESHOLDS, MACHINE, VERBOSE)
def stats(**values: Any) -> None:
    """Print one sample as JSON, as served on /api/stats."""
    from exporter.commands.run import stats as run  # noqa: PLC0415

    run(start(values))


@cli.command(context_settings=CONTEXT)
@click.argument("url", required=False)
@click.option("--host", default="127.0.0.1", help="Address the exporter listens on, if no URL is given.")
@click.option("--port", type=NumberType(PORT), default=5000, help="Port it listens on, if no URL is given.")
def health(url: str | None, host: str, port: float) -> None:
    """Check that a running exporter responds. The exit code is 0 if it does, 1 if not.

    URL is the exporter's address. Without it, the check goes to --host and --port on this machine, and works
    whether or not that exporter uses TLS and passwords.
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
    """Send a test alert to Alertmanager. The output says what should happen next.

    URL is Alertmanager's address; the default is HOST_EXPORTER_TEST_ALERT_URL, or http://127.0.0.1:9093. If a browser
    reaches Alertmanager at another one, as with containers, HOST_EXPORTER_TEST_ALERT_PAGE has that.
    """
    from exporter.commands.run import test_alert as run  # noqa: PLC0415

    run(make_settings(values), url, os.environ.get(TEST_ALERT_PAGE) or url)


def start(values: dict[str, Any]) -> Settings:
    """Set up logging, warn about unknown variables, and return the command's settings. Raises SettingError."""
    if values["verbose"]:
        logging.getLogger("exporter").setLevel(logging.DEBUG)
    for name in sorted(name for name in os.environ if name.startswith(PREFIX)):
        if name not in (known := known_variables()):
            similar = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {similar[0]}?" if similar else ""
            logging.getLogger("exporter").warning("unknown variable %s has no effect%s", name, hint)
    return make_settings(values)


def known_variables() -> set[str]:
    """Return the variables of all commands: a container's environment applies to every command run in it."""
    parameters = [parameter for command in cli.commands.values() for parameter in command.params]
    return {variable(flag) for parameter in parameters for flag in parameter.opts} | {
        TEST_ALERT_URL,
        TEST_ALERT_PAGE,
    }
