"""``python -m tests.tools.deaths [SCENE ...]``: all scenes side by side, or the named ones."""

from __future__ import annotations

import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from tests.tools.deaths.scenes import SCENES, Scene

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> None:
    """Play the scenes at once, since they mostly wait, and print the table."""
    names = sys.argv[1:] or list(SCENES)
    if unknown := set(names) - set(SCENES):
        sys.exit(f"{', '.join(sorted(unknown))}: no such scene; there are {', '.join(SCENES)}")
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        scenes = {name: Scene(Path(folder) / name, saying(name, begin)) for name in names}
        threads = [threading.Thread(target=play, args=(name, scene)) for name, scene in scenes.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print("| failure | told by | after |\n|---|---|---:|")
    for scene in scenes.values():
        for row in scene.rows:
            print("| {} | {} | {} |".format(*row))


def play(name: str, scene: Scene) -> None:
    """Play one scene; another one's trouble does not end it."""
    scene.folder.mkdir()
    try:
        SCENES[name](scene)
    except Exception:  # noqa: BLE001 - it is reported, and the others go on
        scene.say(traceback.format_exc())


def saying(name: str, begin: float) -> Callable[[str], None]:
    """Return what reports a scene's progress."""

    def say(text: str) -> None:
        print(f"# {time.monotonic() - begin:6.1f} {name}: {text}", file=sys.stderr, flush=True)

    return say


if __name__ == "__main__":
    main()
