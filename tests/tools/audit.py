"""``make audit``: asks pip-audit about every locked package; fails unless it knows each one, and no fault of it."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
# A package with its version, the systems that it is for, and its hashes.
PINNED = re.compile(r"^(([\w.-]+)==\S+)(?: ;[^\\\n]*)?((?: \\\n +--hash=\S+)*)$", re.MULTILINE)


def main(program: str, root: Path = ROOT) -> int:
    """Audit all lock files below ``root`` with this pip-audit; return the exit code."""
    trouble = [str(lock.relative_to(root)) for lock in locks(root) if not clean(program, lock, root)]
    if trouble:
        print(f"make audit: known vulnerabilities, or could not audit: {', '.join(trouble)}", file=sys.stderr)
        return 1
    return 0


def locks(root: Path) -> list[Path]:
    """Return the lock files of the project, not those of packages installed in a hidden folder."""
    return sorted(
        path
        for path in root.rglob("*requirements.lock")
        if not any(part.startswith(".") for part in path.relative_to(root).parts)
    )


def clean(program: str, lock: Path, root: Path) -> bool:
    """Whether pip-audit has looked up every package in a lock file, and knows no vulnerability."""
    good = True
    for pins in rounds(lock.read_text(encoding="utf-8")):
        print(f"{lock.relative_to(root)}: {len(pins)} packages", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            listed = Path(folder) / "requirements.txt"
            listed.write_text("\n".join(pins.values()), encoding="utf-8")
            # Strict: a package that the service does not know, or cannot be asked about, is an error.
            command = [program, "--strict", "--disable-pip", "--require-hashes", "--requirement", str(listed)]
            good = subprocess.run(command, check=False).returncode == 0 and good
    return good


def rounds(text: str) -> list[dict[str, str]]:
    """Return the packages of a lock file by name, with version and hashes, for every system and version of Python.

    pip-audit takes one version of a package at a time, and skips what this system would not install. A package that is
    locked in two versions is in two rounds.
    """
    found: list[dict[str, str]] = []
    for pin, name, hashes in PINNED.findall(text):
        for pins in found:
            if name not in pins:
                pins[name] = pin + hashes
                break
        else:
            found.append({name: pin + hashes})
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
