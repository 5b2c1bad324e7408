"""Meaningful process names: "python3 train.py" instead of "python3".

From a command line, only the script, module, archive or class that an interpreter runs is shown, and never its folder:
arguments may hold passwords. A word whose role is uncertain is not shown.
"""

from __future__ import annotations

import itertools
import re
from collections import deque
from typing import TYPE_CHECKING

from exporter.sources.host import printable
from exporter.sources.interpreters import Grammar, grammar_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COMM_LENGTH = 15
"""Bytes of a name that the kernel keeps (TASK_COMM_LEN minus the terminating zero)."""

LONGEST = 80
"""Maximum characters of a script's name: it has to fit a label, a table cell and a mail subject."""

# Names that runtimes give their main thread, and thereby the process: the program's own name is more useful.
_THREAD_NAMES = {"MainThread", "node-MainThread"}

_SCRIPT = re.compile(r"[\w.+@-]+( [\w.+@-]+)*")


def display_name(comm: str, command: Callable[[], Sequence[str]], *, whole: bool = False) -> str:
    """Return the display name of a process called ``comm``; ``command`` reads its command line if needed.

    ``whole`` says that ``comm`` is a file's name, neither cut off nor chosen by the program.
    """
    if comm in _THREAD_NAMES or not comm.strip():
        # If the program rewrote its title, the first word may hold a whole command line.
        program = _base(next(iter(command()), "").partition(" ")[0])
        comm = program if _fits(program) else comm.strip() or "unnamed"
    if " " in comm and not whole:
        comm = _without_arguments(comm, next(iter(command()), ""))
    grammar = grammar_of(comm)
    if grammar is not None:
        words = deque(command())
        program = words.popleft() if words else ""
        if _base(program) == "busybox" and words:  # "busybox sh run.sh": the shell is its second word
            words.popleft()
        script = _script(grammar, words)
        return printable(f"{comm} {script}" if script else comm)
    if len(comm.encode(errors="replace")) >= COMM_LENGTH and not whole:
        comm = _complete(comm, command())
    return printable(comm)


def _without_arguments(comm: str, title: str) -> str:
    """Return a name of several words without those that are arguments.

    npm, among others, makes its whole command line its title: the kernel then has the first 15 bytes of that as the
    name, and the title in place of the first word. "Web Content" and the like are names, and stay.
    """
    first, *others = comm.split(" ")
    if title.startswith(comm):
        return first
    kept = itertools.takewhile(lambda word: not word.startswith("-") and "=" not in word, others)
    return " ".join([first, *kept])


def _complete(comm: str, words: Sequence[str]) -> str:
    """Return the full form of a truncated name: the program's or the script's, if either begins with it."""
    script = next((word for word in words[1:] if not word.startswith("-")), "")
    for word in (*words[:1], script):
        base = _base(word)
        if base.startswith(comm) and len(base) <= LONGEST and " " not in base:
            return base
    return comm


def _script(grammar: Grammar, words: deque[str]) -> str:
    """Return what the interpreter runs, without its folder, or "" if that is program text or unclear.

    The words come in a deque: removing them from the front of a list of 200,000 (a process may have that many) would
    take seconds.
    """
    certain = True
    while words:
        word = words.popleft()
        if word in grammar.skip or word.startswith("@"):  # "@": a Java options file
            continue
        if not word.startswith(("-", "+")):
            return _shown(grammar, word, certain=certain)
        option, equals, value = word.partition("=")
        if option in grammar.script_words:
            return _shown(grammar, value if equals else _next(words), certain=True)
        if option in grammar.code_words or word == "-":  # "-": read from standard input
            return ""
        if option in grammar.value_words and not equals:
            _next(words)
        elif option.startswith("--"):
            # An unlisted option may take the next word as its value.
            certain = certain and bool(equals)
        elif grammar.letters:
            found = _letters(grammar, word[1:], words)
            if found is not None:
                return found
            certain = certain and grammar.complete
    return ""


def _next(words: deque[str]) -> str:
    """Remove and return the next word, "" if there is none."""
    return words.popleft() if words else ""


def _letters(grammar: Grammar, letters: str, words: deque[str]) -> str | None:
    """Parse a word of one-letter options; return what is run, "" for program text, or None to continue."""
    for place, letter in enumerate(letters):
        rest = letters[place + 1 :]
        if letter in grammar.code:
            return ""
        if letter in grammar.module:
            module = rest or _next(words)
            return f"-m {module}" if _fits(module) else ""
        if letter in grammar.value and not rest:
            _next(words)
        if letter in grammar.value + grammar.attached:
            return None
    return None


def _shown(grammar: Grammar, word: str, *, certain: bool) -> str:
    if word.startswith(("/dev/fd/", "/proc/")):
        return ""  # a script passed as an open file descriptor has no name
    base = _base(word)
    return base if _fits(base) and (certain or base.endswith(grammar.suffixes)) else ""


def _fits(name: str) -> bool:
    return len(name) <= LONGEST and _SCRIPT.fullmatch(name) is not None


def _base(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2]
