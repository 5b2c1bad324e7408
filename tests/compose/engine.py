"""A Docker engine for the tests, and images that stand in for the published ones, so that no registry is needed."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Self

from tests.fleet.pair import shipped
from tests.support_servers import FETCHED, missing, program
from tests.tools.stack.shipped import ROOT

CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
STAND_INS = Path(__file__).parent / "images"


class Engine:
    """``dockerd`` with all its data under one folder; stopped by PID, and its network interfaces are removed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "DOCKER_HOST": f"unix://{folder}/socket",
            "DOCKER_CONFIG": str(folder / "client"),
            # The classic builder, because Debian's engine has no plugins.
            "DOCKER_BUILDKIT": "0",
            "COMPOSE_BAKE": "false",
        }

    def __enter__(self) -> Self:
        if os.geteuid() != 0:
            missing("a Docker engine needs root")
        self._program = program("dockerd", hint="apt install docker.io")
        self._docker = program("docker", hint="apt install docker.io")
        self._unshare = program("unshare", hint="apt install util-linux")
        self._links = links()
        # So that "docker compose" works, as in the README.
        plugins = self.folder / "client/cli-plugins"
        plugins.mkdir(parents=True)
        (plugins / "docker-compose").symlink_to(Path(program("docker-compose")).resolve())
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        # By name: another engine, started meanwhile, has interfaces of its own.
        bridges = {f"br-{each}" for each in self.docker("network", "ls", "--quiet", check=False).stdout.split()}
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for name in (bridges | {"docker0"}) & links() - self._links:
            subprocess.run(["ip", "link", "delete", name], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Start it and wait until it responds."""
        log = self.folder / "log"
        self.folder.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [
                    # All its mounts vanish with its last process, even if that is killed.
                    self._unshare,
                    "--mount",
                    "--propagation=slave",
                    self._program,
                    f"--data-root={self.folder}/data",
                    f"--exec-root={self.folder}/exec",
                    f"--pidfile={self.folder}/pid",
                    f"--host={self.environment['DOCKER_HOST']}",
                ],
                stdout=output,
                stderr=output,
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            if self.docker("info", check=False).returncode == 0:
                return
            time.sleep(0.2)
        self.process.kill()
        missing(f"no Docker engine can be started here: {log.read_text()[-400:]}")

    def docker(
        self, *arguments: str, folder: Path | None = None, check: bool = True, wait: float = 400
    ) -> subprocess.CompletedProcess[str]:
        """Run the client; its output is text."""
        return self.run([self._docker, *arguments], folder=folder, check=check, wait=wait)

    def run(
        self, command: list[str], *, folder: Path | None = None, check: bool = True, wait: float = 400
    ) -> subprocess.CompletedProcess[str]:
        """Run any command against this engine."""
        done = subprocess.run(
            command, env=self.environment, cwd=folder, capture_output=True, text=True, timeout=wait, check=False
        )
        assert done.returncode == 0 or not check, f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
        return done

    def stand_ins(self) -> None:
        """Build an image under each name in the Compose files and the Dockerfile, except for Grafana."""
        services = shipped({}).document["services"]
        base = (ROOT / "Dockerfile").read_text().split()[1]
        self._import_base(base)
        context = self.folder / "context"
        for name, files in parts().items():
            folder = context / name
            shutil.copytree(STAND_INS / name, folder)
            for source, place in files:
                target = folder / place
                target.parent.mkdir(parents=True, exist_ok=True)
                if source.is_dir():
                    shutil.copytree(source, target)
                else:
                    shutil.copy(source, target)
            self.docker("build", "--quiet", f"--build-arg=BASE={base}", f"--tag={services[name]['image']}", str(folder))

    def _import_base(self, name: str) -> None:
        """Import a Debian with Python that resembles the official image: ``python``, ``pip``, and CA certificates."""
        root = self.folder / "base"
        bootstrap = program("debootstrap", hint="apt install debootstrap")
        packages = "--include=python3,python3-pip,ca-certificates"
        command = [bootstrap, "--variant=minbase", packages, _release(), str(root)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, f"debootstrap: {done.stdout[-1000:]}{done.stderr[-1000:]}"
        (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
        for mark in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
            mark.unlink()
        self._make_pip_removable(root)
        shutil.copy(CA_BUNDLE, root / "etc/ssl/certs/ca-certificates.crt")
        archive = self.folder / "base.tar"
        subprocess.run(["tar", "-C", str(root), "-cf", str(archive), "."], check=True)
        self.docker("import", f"--change=ENV PIP_CERT={CA_BUNDLE} PIP_ROOT_USER_ACTION=ignore", str(archive), name)
        archive.unlink()
        shutil.rmtree(root)

    def _make_pip_removable(self, root: Path) -> None:
        """Put pip where the official image has it, with a record for uninstalling it; that image has no setuptools."""
        packaged = root / "usr/lib/python3/dist-packages"
        for name in ("setuptools", "pkg_resources", "wheel", "_distutils_hack", "distutils-precedence"):
            for path in packaged.glob(f"{name}*"):
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
        (site,) = root.glob("usr/local/lib/python3.*/dist-packages")
        for path in packaged.glob("pip*"):
            path.rename(site / path.name)
        for path in root.glob("usr/bin/pip*"):
            path.rename(root / "usr/local/bin" / path.name)
        (info,) = site.glob("pip-*.dist-info")
        files = [path for path in site.glob("pip*/**/*") if path.is_file()] + [*root.glob("usr/local/bin/pip*")]
        lines = [f"{os.path.relpath(path, site)},,\n" for path in [*files, info / "RECORD"]]
        (info / "RECORD").write_text("".join(lines))


def _release() -> str:
    """Return this Debian release's codename."""
    text = Path("/etc/os-release").read_text()
    name = re.search(r"^VERSION_CODENAME=\"?(\w+)", text, re.MULTILINE)
    return name[1] if name else missing("no VERSION_CODENAME in /etc/os-release: the base image is made of Debian")


def parts() -> dict[str, list[tuple[Path, str]]]:
    """Return what goes into each stand-in besides its own files: source and target paths."""
    fetched, installed = (usr / "share/prometheus/alertmanager" for usr in (FETCHED.parent, Path("/usr")))
    return {
        "prometheus": [(Path(program(name)), f"usr/bin/{name}") for name in ("prometheus", "promtool")],
        "alertmanager": [
            (Path(program("prometheus-alertmanager", "alertmanager")), "usr/bin/alertmanager"),
            (Path(program("amtool")), "usr/bin/amtool"),
            (fetched if fetched.exists() else installed, "usr/share/prometheus/alertmanager"),
        ],
        "victoriametrics": [(Path(program("victoria-metrics")), "usr/bin/victoria-metrics")],
        "mailpit": [(ROOT / "tests/tools/stack/mailbox.py", "catcher.py")],
    }


def links() -> set[str]:
    """Return this machine's network interfaces."""
    return set(os.listdir("/sys/class/net"))
