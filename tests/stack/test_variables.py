"""Variables are read from .env and substituted as Compose does it."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.support_servers import program
from tests.tools.stack.shipped import Shipped
from tests.tools.stack.variables import interpolate, read_env

if TYPE_CHECKING:
    from pathlib import Path

# OUTSIDE is set in the environment only, BOTH there and in .env.
ENV = r"""
# What people write, and what they should not.
BOTH=here
A=x
BARE=pa$word
BARE_BRACES=pa${A}x${NONE:-y}${A:+z} $BOTH $OUTSIDE
BARE_DOUBLED=pa$$word
BARE_BACKSLASH=pa\$A\n
BARE_COMMENT=a#b c #d
BARE_QUOTES=it's "a" b
BARE_END=a\
BARE_ADDRESS=Jörg <j@example.org>, ☃
SPACES =   a b   #c
ONLY_COMMENT= # not one
EMPTY=
DOUBLE="pa$word"
DOUBLE_BRACES="pa${A}x${NONE:-y}${A:+z} $BOTH $OUTSIDE"
DOUBLE_DOUBLED="pa$$word"
DOUBLE_ESCAPED="pa\$word"
DOUBLE_BACKSLASH="a\\b\nc\"d\te\z\\\"f"
DOUBLE_COMMENT="a #b" # c
DOUBLE_END="a\\"
DOUBLE_LINES="a
 b"
SINGLE='pa$word ${A} $$'
SINGLE_BACKSLASH='a\b\\c\'d"e\n'
SINGLE_COMMENT='a #b'# c
SINGLE_END='a\\'
SINGLE_LINES='a

b'
export EXPORTED=3
  INDENTED=4
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "windows"])
def test_env_is_read_as_compose_reads_it(tmp_path: Path, end: str) -> None:
    outside = {"OUTSIDE": "out", "BOTH": "outside"}
    text = ENV.replace("\n", end)
    names = re.findall(r"^(?:export)?\s*([A-Z_]+) *=", ENV, re.MULTILINE)
    service = {"image": "x", "environment": {name: f"${{{name}}}" for name in names}}
    (tmp_path / "docker-compose.yml").write_text(yaml.safe_dump({"services": {"a": service}}))
    (tmp_path / ".env").write_bytes(text.encode())
    done = subprocess.run(
        [program("docker-compose"), "config", "--no-normalize"],
        cwd=tmp_path, env={**os.environ, **outside}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    theirs = yaml.safe_load(done.stdout)["services"]["a"]["environment"]
    assert Shipped.read(outside, tmp_path).environment("a") == {k: v.replace("$$", "$") for k, v in theirs.items()}
    assert (theirs["BARE"], theirs["DOUBLE"], theirs["SINGLE"]) == ("pa", "pa", "pa$$word $${A} $$$$")
    assert len(theirs) == 28


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A=1\n\nB='x", "line 3: a quote"),
        ("A='x\\'", "line 1: a quote"),
        ("A='x'y", "line 1: a quote"),
        ('A="x', "line 1: a quote"),
        ("A='1\n2'\nA B=3", "line 3: not NAME=value"),
        ("A: 3", "line 1: not NAME=value"),
        ("A", "line 1: not NAME=value"),
        ("# ä\nPASSWORD=pa$", "line 2: a lone dollar sign.*; single quotes keep"),
        ("PASSWORD=pa$1", "line 1: a lone dollar sign"),
        ('PASSWORD="${A"', "line 1: unclosed brace"),
        ("PASSWORD=${A?b}", "line 1: unsupported form"),
        (r'PASSWORD="\0101"', r"line 1: \\0 is not supported here"),
    ],
)
def test_what_is_not_understood_is_named_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=rf"^\.env, {message}") as caught:
        read_env(text, {})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a $$ b", "a $ b"),
        ("${A}", "x"),
        ("$A.", "x."),
        ("${NO}", ""),
        ("${NO:-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${A:-d}", "x"),
        ("${NO:-a ${A:-b} c}", "a x c"),
        ("${A:+yes}", "yes"),
        ("${EMPTY:+yes}", ""),
        ("${D}", "$A ${A}"),  # values are not inspected
    ],
)
def test_variables_are_filled_in(text: str, expected: str) -> None:
    assert interpolate(text, {"A": "x", "EMPTY": "", "D": "$A ${A}"}) == expected


@pytest.mark.parametrize("text", ["${A?message}", "${", "${1}", "$ ", "${A:-${B}"])
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"unsupported form|lone dollar|unclosed brace"):
        interpolate(text, {})
