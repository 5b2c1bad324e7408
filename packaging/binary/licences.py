# ruff: noqa: INP001 - imported by the spec beside it; a package called "packaging" would shadow the one on PyPI
"""Collects the licences of everything in the one-file program from the installed packages.

A Python package without a licence text fails the build. The licence of a shared library is taken from Debian's package
that owns it; libraries that no package owns are listed by name.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

FILES = re.compile(r"[^/]+\.dist-info/(licenses/.+|(LICEN[CS]E|COPYING|COPYRIGHT|NOTICE|AUTHORS)[^/]*)", re.IGNORECASE)
"""Licence files in a package's record: where PEP 639 puts them, and under the names that were usual before it."""
COMMON = re.compile(r"/usr/share/common-licenses/([\w.+-]*\w)")
"""How Debian's copyright files refer to common licences."""
LINE = "=" * 100
UNKNOWN = "Shared libraries whose licence the machine that built this program does not know"


def collect(program: str, root: Path, sources: Iterable[str]) -> str:
    """Return the licence texts of the program in ``root``, of Python, and of the owners of all files in ``sources``.

    Raises SystemExit if a package or Python itself has no licence text, or if a module belongs to no package.
    """
    sections = {program: [root / "LICENSE"], f"Python {sys.version.split()[0]}": [of_python()]}
    owners = {file: package for package in distributions() for file in files_of(package)}
    # Its bootloader is included, but not among the sources.
    packages = {"pyinstaller": distribution("pyinstaller")}
    others = []
    standard = Path(sysconfig.get_path("stdlib")).resolve()
    for source in map(Path, sources):
        path = source.resolve()
        if path in owners:
            packages[owners[path].name.lower()] = owners[path]
        elif not path.is_relative_to(standard) and not path.is_relative_to(root / "exporter"):
            others.append(source)
    for _, package in sorted(packages.items()):
        sections[f"{package.name} {package.version}"] = of_package(package)
    of_system, unknown = of_libraries(others)
    sections |= of_system
    texts = {title: [file.read_text("utf-8", "replace") for file in files] for title, files in sections.items()}
    referred = {name for parts in texts.values() for text in parts for name in COMMON.findall(text)}
    # Resolved, because LGPL is a link to the latest version.
    for file in sorted({Path("/usr/share/common-licenses", name).resolve() for name in referred}):
        if file.is_file():
            texts[f"{file.name}, which notices above refer to as {file}"] = [file.read_text("utf-8")]
    if unknown:
        texts[UNKNOWN] = ["\n".join(unknown)]
    heads = "".join(f"  {title}\n" for title in texts)
    body = "".join(
        f"\n{LINE}\n{title}\n{LINE}\n\n" + "\n\n".join(parts).strip("\n") + "\n" for title, parts in texts.items()
    )
    return f"{program}, and the licences of everything inside it:\n\n{heads}{body}"


def files_of(package: Distribution) -> list[Path]:
    """Return the files of an installed package."""
    return [Path(str(package.locate_file(file))).resolve() for file in package.files or ()]


def of_package(package: Distribution) -> list[Path]:
    """Return the licence files of an installed package. Raises SystemExit if there are none."""
    found = [file for file in package.files or () if FILES.fullmatch(file.as_posix())]
    if not found:
        raise SystemExit(f"{package.name} {package.version} has no licence text: it must not go into the program")
    return [Path(str(package.locate_file(file))) for file in found]


def of_python() -> Path:
    """Return the licence file of the running Python. Raises SystemExit if there is none."""
    standard = Path(sysconfig.get_path("stdlib"))
    places = [standard / "LICENSE.txt", Path(sys.base_prefix, "LICENSE.txt")]
    places += [notice(name) for name in set(debian([standard / "os.py"]).values())]
    found = [place for place in places if place.is_file()]
    return found[0] if found else sys.exit(f"no licence text of Python: looked for {', '.join(map(str, places))}")


def of_libraries(sources: list[Path]) -> tuple[dict[str, list[Path]], list[str]]:
    """Return the copyright files of the Debian packages that own the files, and the names of files without owner."""
    owners = debian(sources)
    sections = {}
    for package in sorted(set(owners.values())):
        names = sorted({source.name for source in sources if owners.get(source) == package and ".so" in source.name})
        sections[" ".join([package, *([f"({', '.join(names)})"] if names else [])])] = [notice(package)]
    prefix = Path(sys.base_prefix).resolve()
    unknown = [each for each in sources if each not in owners and not each.resolve().is_relative_to(prefix)]
    for module in (each for each in unknown if each.suffix == ".py"):
        raise SystemExit(f"{module} belongs to no installed package: it must not go into the program")
    return sections, sorted({source.name for source in unknown})


def debian(paths: list[Path]) -> dict[Path, str]:
    """Return the Debian packages that own the files, for those files whose package has a copyright file."""
    query = shutil.which("dpkg-query")
    if not paths or not query:
        return {}
    # A package may list /lib/..., which is now a link to /usr/lib/...
    real = {path: str(path.resolve()) for path in paths}
    asked = {name: path for path, file in real.items() for name in (file, file.removeprefix("/usr"))}
    done = subprocess.run([query, "-S", *asked], capture_output=True, text=True, check=False)  # noqa: S603
    lines = re.findall(r"^([^\s:,]+)(?::\w+)?: (/.*)$", done.stdout, re.MULTILINE)
    return {asked[file]: package for package, file in lines if file in asked and notice(package).is_file()}


def notice(package: str) -> Path:
    """Return the path of a Debian package's copyright file."""
    return Path("/usr/share/doc", package, "copyright")
