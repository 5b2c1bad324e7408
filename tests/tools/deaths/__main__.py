"""``python -m tests.tools.deaths [SCENE ...]``: all scenes side by side, or the named ones."""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.tools.deaths.scenes import SCENES, Scene

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.queues import SimpleQueue

    Rows = list[tuple[str, str, str]]


def main() -> None:
    """Play the scenes at once, since they mostly wait, and print the table."""
    names = sys.argv[1:] or list(SCENES)
    if unknown := set(names) - set(SCENES):
        sys.exit(f"{', '.join(sorted(unknown))}: no such scene; there are {', '.join(SCENES)}")
    begin = time.monotonic()
    context = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder:
        results = {name: context.SimpleQueue() for name in names}
        # Processes, because Ctrl-C then reaches each scene, which stops its servers.
        players = [
            context.Process(target=play, args=(name, Path(folder) / name, begin, results[name])) for name in names
        ]
        for player in players:
            player.start()
        for player in players:
            with suppress(KeyboardInterrupt):
                player.join()
    print("| failure | told by | after |\n|---|---|---:|")
    for queue in results.values():
        for row in queue.get() if not queue.empty() else ():
            print("| {} | {} | {} |".format(*row))


def play(name: str, folder: Path, begin: float, result: SimpleQueue[Rows]) -> None:
    """Play one scene; another one's trouble does not end it."""
    folder.mkdir()
    scene = Scene(folder, saying(name, begin))
    try:
        SCENES[name](scene)
    except (Exception, KeyboardInterrupt):  # noqa: BLE001 - it is reported, and the others go on
        scene.say(traceback.format_exc())
    result.put(scene.rows)


def saying(name: str, begin: float) -> Callable[[str], None]:
    """Return what reports a scene's progress."""

    def say(text: str) -> None:
        print(f"# {time.monotonic() - begin:6.1f} {name}: {text}", file=sys.stderr, flush=True)

    return say


if __name__ == "__main__":
    main()
