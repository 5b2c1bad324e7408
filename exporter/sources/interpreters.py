"""Command-line grammars of interpreters, to tell their options from the script they run.

The tables list only what is certain: if an option were wrongly listed as taking a value, the script would be skipped,
and the argument after it, which may be a password, would be shown instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Grammar:
    """The options of one interpreter. Letters are single-dash options, several of which may share one word."""

    suffixes: tuple[str, ...]
    """Extensions of script names: required after an unlisted option that might take the next word as its value."""

    value: str = ""
    """Letters that take a value, attached or as the next word."""

    attached: str = ""
    """Letters that take an attached value only: the rest of the word."""

    code: str = ""
    """Letters followed by program text, or that read it from standard input: there is no script."""

    module: str = ""
    """Letters that name a module to run."""

    value_words: frozenset[str] = NONE
    """Whole-word options that take the next word as their value."""

    code_words: frozenset[str] = NONE
    """Whole-word options followed by program text."""

    script_words: frozenset[str] = NONE
    """Whole-word options that name the script, after a "=" or as the next word."""

    skip: frozenset[str] = NONE
    """Words before the script that are not options, such as a subcommand."""

    letters: bool = True
    """Whether single-dash options are letters; Java's are words."""

    complete: bool = True
    """Whether the table lists all single-dash options; if not, any of them makes the next word uncertain."""


PYTHON = Grammar(
    (".py", ".pyc", ".pyz"), value="WX", code="c", module="m", value_words=frozenset({"--check-hash-based-pycs"})
)
NODE = Grammar(
    (".js", ".mjs", ".cjs", ".ts", ".mts"),
    value_words=frozenset({"-r", "--require", "--import", "--loader", "--experimental-loader", "-C", "--conditions"}),
    code_words=frozenset({"-e", "--eval", "-p", "--print", "-pe", "--run"}),
    skip=frozenset({"inspect"}),
    letters=False,
)
DENO = Grammar((".ts", ".js", ".mts", ".mjs", ".tsx"), code="ep", skip=frozenset({"run"}), complete=False)
JAVA = Grammar(
    (".jar", ".java"),
    value_words=frozenset(
        {"-cp", "-classpath", "--class-path", "-p", "--module-path", "--upgrade-module-path", "--add-modules"}
        | {"--limit-modules", "--add-opens", "--add-exports", "--add-reads", "--patch-module"}
        | {"--enable-native-access"}
    ),
    script_words=frozenset({"-jar", "-m", "--module"}),
    letters=False,
)
RUBY = Grammar((".rb", ".ru"), value="CEIr", attached="FWxi", code="e")
PERL = Grammar((".pl", ".pm", ".cgi"), value="I", attached="CDFMimx", code="eE")
PHP = Grammar(
    (".php", ".phar"),
    value="cdztS",
    code="rBRE",
    code_words=frozenset({"--run", "--process-code", "--process-begin", "--process-end"}),
    script_words=frozenset({"-f", "-F", "--file"}),
)
SHELL = Grammar(
    (".sh", ".bash", ".zsh", ".ksh"), value="oOA", code="cs", value_words=frozenset({"--rcfile", "--init-file"})
)
R = Grammar((".R", ".r"), code="e", script_words=frozenset({"--file"}), complete=False)
OTHER = Grammar((".dll", ".exe", ".jl", ".lua", ".tcl"), code="eE", skip=frozenset({"exec"}), complete=False)

INTERPRETERS = (
    (re.compile(r"([Pp]ython|pypy)w?[\d.]*t?(-\w+)?"), PYTHON),
    (re.compile(r"node|nodejs"), NODE),
    (re.compile(r"bun|deno"), DENO),
    (re.compile(r"javaw?"), JAVA),
    (re.compile(r"j?ruby[\d.]*"), RUBY),
    (re.compile(r"perl[\d.]*"), PERL),
    (re.compile(r"php[\d.]*"), PHP),
    (re.compile(r"(ba|da|a|z|k|mk)?sh"), SHELL),
    (re.compile(r"R|Rscript"), R),
    (re.compile(r"dotnet|mono|julia|lua(jit)?[\d.]*|tclsh[\d.]*"), OTHER),
)


def grammar_of(program: str) -> Grammar | None:
    """Return the grammar of an interpreter's options, or None if ``program`` is not a known interpreter."""
    name = program.removesuffix(".exe")
    return next((grammar for pattern, grammar in INTERPRETERS if pattern.fullmatch(name)), None)
