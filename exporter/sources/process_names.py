"""A name that tells the owner what it is: "python3 train.py", not "python3".

Of a command line only the script, module, archive or class that an interpreter runs is shown, and never a
folder: arguments hold passwords. A word whose place is in doubt is not shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.sources.host import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COMM_LENGTH = 15
"""Bytes that the kernel keeps of a name (TASK_COMM_LEN less the final zero)."""

LONGEST = 80
"""Characters of a script's name at most: a label, a table cell and a mail's subject have to hold it."""

# Names that runtimes give their main thread, and so the process: the program's own name says more.
_THREAD_NAMES = {"MainThread", "node-MainThread"}


@dataclass(frozen=True, slots=True)
class _Grammar:
    """How an interpreter's options are told from its script.

    ``short`` are letters of one-dash options that take a value, attached or as the next word; ``module``
    and ``code`` likewise, naming what runs, or holding a program (then there is no script). ``long`` are
    options that are whole words and take the next word. ``suffixes`` are the endings of script names.
    """

    suffixes: tuple[str, ...]
    short: str = ""
    code: str = ""
    module: str = ""
    long: frozenset[str] = frozenset()
    code_words: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    bundles: bool = True
    skip: frozenset[str] = frozenset()


_PYTHON = _Grammar((".py", ".pyc", ".pyz"), "WX", "c", "m", frozenset({"--check-hash-based-pycs"}))
_NODE = _Grammar(
    (".js", ".mjs", ".cjs", ".ts", ".mts"),
    long=frozenset(
        {
            "-r",
            "--require",
            "--import",
            "--loader",
            "--experimental-loader",
            "-C",
            "--conditions",
            "--env-file",
        }
    ),
    code_words=frozenset({"-e", "--eval", "-p", "--print", "-pe"}),
    bundles=False,
    skip=frozenset({"run", "inspect"}),
)
_JAVA = _Grammar(
    (".jar", ".java"),
    long=frozenset(
        {"-cp", "-classpath", "--class-path", "-p", "--module-path", "--add-modules", "--add-opens"}
        | {"--add-exports", "--add-reads", "--patch-module", "--upgrade-module-path", "--limit-modules"}
        | {"--enable-native-access"}
    ),
    named=frozenset({"-jar", "-m", "--module"}),
    bundles=False,
)
_RUBY = _Grammar((".rb", ".ru"), short="CEFIKrTxW", code="e")
_PERL = _Grammar((".pl", ".pm", ".cgi"), short="CDFIiMmTx", code="eE")
_PHP = _Grammar((".php", ".phar"), short="cdzgS", code="rBRE", bundles=False, named=frozenset({"-f", "--file"}))
_SHELL = _Grammar((".sh", ".bash", ".zsh"), short="oO", code="cs", long=frozenset({"--rcfile", "--init-file"}))
_OTHER = _Grammar((".dll", ".exe", ".jl", ".lua", ".R", ".r", ".tcl"), code="eE", bundles=False)

_INTERPRETERS = (
    (re.compile(r"(python|pypy)w?[\d.]*(-\w+)?"), _PYTHON),
    (re.compile(r"node|nodejs|bun|deno"), _NODE),
    (re.compile(r"javaw?"), _JAVA),
    (re.compile(r"j?ruby[\d.]*"), _RUBY),
    (re.compile(r"perl[\d.]*"), _PERL),
    (re.compile(r"php[\d.]*"), _PHP),
    (re.compile(r"(ba|da|a|z|k|mk)?sh"), _SHELL),
    (re.compile(r"dotnet|mono|julia|lua(jit)?[\d.]*|Rscript|tclsh[\d.]*"), _OTHER),
)
_SCRIPT = re.compile(r"[\w.+@-]+( [\w.+@-]+)*")


def display_name(comm: str, command: Callable[[], Sequence[str]]) -> str:
    """Return the name to show for a process called ``comm``; ``command`` reads its command line if needed."""
    if comm in _THREAD_NAMES:
        comm = _base(next(iter(command()), "")) or comm
    grammar = _grammar(comm)
    if grammar is not None:
        script = _script(grammar, list(command())[1:])
        return printable(f"{comm} {script}" if script else comm)
    if len(comm.encode(errors="replace")) >= COMM_LENGTH:
        comm = _complete(comm, command())
    return printable(comm)


def _grammar(comm: str) -> _Grammar | None:
    program = comm.removesuffix(".exe")
    return next((grammar for pattern, grammar in _INTERPRETERS if pattern.fullmatch(program)), None)


def _complete(comm: str, words: Sequence[str]) -> str:
    """Return the whole of a cut name: a word of the command line that begins with it, script or program."""
    for word in words[:2]:
        base = _base(word)
        if base.startswith(comm) and len(base) <= LONGEST and " " not in base:
            return base
    return comm


def _script(grammar: _Grammar, words: list[str]) -> str:
    """Return what the interpreter runs, without its folder, or "" where that is a program text or unclear."""
    certain = True
    while words:
        word = words.pop(0)
        if word == "--":
            return _shown(grammar, words[0], certain=True) if words else ""
        if word in grammar.skip or (word.startswith("@") and grammar is _JAVA):
            continue
        if not word.startswith(("-", "+")) or word in {"-", "+"}:
            return _shown(grammar, word, certain=certain)
        if word in grammar.named:
            named = words[0].partition("/")[0] if words and word in {"-m", "--module"} else "".join(words[:1])
            return _shown(grammar, named, certain=True)
        if word in grammar.code_words:
            return ""
        if word in grammar.long:
            del words[:1]
            continue
        if word.startswith("--"):
            # An option this table does not know may have taken the next word as its value.
            certain = certain and "=" in word
            continue
        found = _letters(grammar, word[1:], words)
        if found is not None:
            return found
    return ""


def _letters(grammar: _Grammar, letters: str, words: list[str]) -> str | None:
    """Go through a word of one-letter options; return what runs, "" for a program text, None to go on."""
    for place, letter in enumerate(letters):
        value = letters[place + 1 :]
        if letter in grammar.code:
            return ""
        if letter in grammar.module:
            module = value or "".join(words[:1])
            return f"-m {module}" if _SCRIPT.fullmatch(module) and len(module) <= LONGEST else ""
        if letter in grammar.short:
            if not value:
                del words[:1]
            return None
        if not grammar.bundles:
            return None
    return None


def _shown(grammar: _Grammar, word: str, *, certain: bool) -> str:
    if word.startswith(("/dev/fd/", "/proc/")):
        return ""  # a script handed over as an open file has no name of its own
    base = _base(word)
    if not certain and not base.endswith(grammar.suffixes):
        return ""
    return base if len(base) <= LONGEST and _SCRIPT.fullmatch(base) else ""


def _base(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2]
