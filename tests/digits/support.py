"""What the tests of the example share: its real server, and images."""

from __future__ import annotations

import base64
import http.client
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from PIL import Image, ImageDraw, PngImagePlugin

from tests.support import Answer, Samples, fetch
from tests.tools.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flask.testing import FlaskClient

EXAMPLE = Path(__file__).parents[2] / "examples/digits"
DRAWN = sorted((EXAMPLE / "drawn").glob("*.png"))
GUNICORN = (sys.executable, "-m", "gunicorn", "--threads", "8")


class Gunicorn:
    """A real gunicorn on a free loopback port, its log in a file; stopped by PID."""

    def __init__(
        self, folder: Path, app: str = "digits:create_app()", cwd: Path = EXAMPLE, workers: int = 1, **environment: str
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.saved_images = folder / "saved_images"
        self._log = folder / "gunicorn.log"
        self._command = [*GUNICORN, "--workers", str(workers), "--bind", f"127.0.0.1:{self.port}", app]
        self._cwd = cwd
        self._env = {**os.environ, "DIGITS_SAVED_IMAGES": str(self.saved_images), **environment}

    def __enter__(self) -> Self:
        with self._log.open("w") as log:
            self.process = subprocess.Popen(self._command, cwd=self._cwd, env=self._env, stderr=log)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.get("/metrics").status == 200:
                    return self
            except OSError:
                time.sleep(0.05)
        self.__exit__()
        raise AssertionError(f"gunicorn did not start: {self.log}")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(timeout=45)

    @property
    def log(self) -> str:
        return self._log.read_text()

    def get(self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Answer:
        return fetch(self.url + path, headers, method)

    def samples(self) -> Samples:
        return Samples.parse(self.get("/metrics").text)

    def predict(self, image: str) -> tuple[int, dict[str, Any]]:
        return self.post(json.dumps({"image": image}).encode())

    def post(self, body: bytes | Iterable[bytes], length: int | None = None) -> tuple[int, dict[str, Any]]:
        """Post JSON to /api/predict; an iterable without a length is sent in chunks."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Content-Type": "application/json"} | ({"Content-Length": str(length)} if length else {})
        try:
            connection.request("POST", "/api/predict", body, headers, encode_chunked=length is None)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()


def data_url(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def png(image: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


def seven(ink: int = 0, paper: int = 255, size: int = 280) -> Image.Image:
    """A clear seven with a bar, in greyscale."""
    image = Image.new("L", (size, size), paper)
    draw = ImageDraw.Draw(image)
    unit = size / 280
    for points in ([(75, 50), (200, 48), (125, 235)], [(105, 140), (190, 135)]):
        draw.line([(x * unit, y * unit) for x, y in points], ink, int(18 * unit), "curve")
    return image


def comments() -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "<script>alert(1)</script>")
    return info


def ask(client: FlaskClient, image: bytes | str) -> tuple[int, dict[str, Any]]:
    answer = client.post("/api/predict", json={"image": image if isinstance(image, str) else data_url(image)})
    assert answer.json is not None
    return answer.status_code, answer.json
