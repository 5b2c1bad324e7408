"""The sharding in docs/scaling.md: every machine belongs to exactly one server."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from typing import TYPE_CHECKING

import yaml

from tests.support import eventually, fetch
from tests.support_servers import program
from tests.tools.ports import free_port
from tests.tools.stack.process import Server
from tests.tools.stack.shipped import ROOT

if TYPE_CHECKING:
    from pathlib import Path

MACHINES = [f"192.0.2.{number}:5000" for number in range(1, 101)]


def relabelling(shard: int) -> list[dict[str, object]]:
    """Return the page's configuration for the server with this number."""
    text = (ROOT / "docs/scaling.md").read_text(encoding="utf-8")
    found = re.search(r"```yaml\n(    relabel_configs:.*?)```", text, re.DOTALL)
    assert found
    lines: list[dict[str, object]] = yaml.safe_load(found[1])["relabel_configs"]
    (mine,) = [line for line in lines if line["action"] == "keep"]
    mine["regex"] = str(shard)
    return lines


def serve(shard: int, folder: Path) -> tuple[Server, str]:
    url = f"http://127.0.0.1:{free_port()}"
    job = {"job_name": "host", "scrape_interval": "1h", "static_configs": [{"targets": MACHINES}]}
    job["relabel_configs"] = relabelling(shard)
    file = folder / f"{shard}.yml"
    file.write_text(yaml.safe_dump({"scrape_configs": [job]}), encoding="utf-8")
    command = [program("prometheus"), f"--config.file={file}", f"--storage.tsdb.path={folder / f'data-{shard}'}"]
    command.append(f"--web.listen-address={url.removeprefix('http://')}")
    return Server(f"shard-{shard}", command, ready=f"{url}/-/ready", log=folder / f"{shard}.log"), url


def targets(url: str) -> set[str]:
    answer = json.loads(fetch(f"{url}/api/v1/targets?state=active").text)
    return {found["labels"]["instance"] for found in answer["data"]["activeTargets"]}


def test_every_machine_belongs_to_one_server_alone(tmp_path: Path) -> None:
    count = int(relabelling(0)[0]["modulus"])  # type: ignore[call-overload]
    with ExitStack() as stack:
        urls = []
        for shard in range(count):
            server, url = serve(shard, tmp_path)
            server.start()
            stack.callback(server.stop)
            server.wait()
            urls.append(url)
        for url in urls:
            eventually(lambda url=url: targets(url), 60, "it gets no machine at all")  # type: ignore[misc]
        found = [targets(url) for url in urls]
    assert sum(map(len, found)) == len(MACHINES)
    assert set().union(*found) == set(MACHINES)
    assert min(map(len, found)) > len(MACHINES) / count / 2, "one server has nearly all"
