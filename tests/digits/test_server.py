"""The application in its real server: gunicorn with one worker and several threads, started as in the README."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.digits.support import EXAMPLE, Gunicorn, data_url, png, seven
from tests.support_servers import program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STAMP = re.compile(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}\] \[\d+\] \[[A-Z]+\] ")


def events(log: str) -> list[str]:
    """Return the log's events: lines that begin with a time, each with the lines that belong to it."""
    found: list[str] = []
    for line in log.splitlines():
        if STAMP.match(line):
            found.append(line)
        else:
            assert line.startswith("    "), f"a line on its own: {line}"
            found[-1] += f"\n{line}"
    return found


def raw(server: Gunicorn, request: bytes) -> bytes:
    """Send raw bytes and return the response."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_start_says_how_good_the_model_is(server: Gunicorn) -> None:
    assert re.search(r"\[INFO\] trained in \d+\.\d s; 9\d\.\d % of unseen digits right", server.log)


def test_many_at_once_are_answered_and_counted_whole(server: Gunicorn) -> None:
    before = server.samples().value("predictions_total", outcome="prediction") or 0
    url = data_url(png(seven()))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: server.predict(url), range(64)))
    assert {(status, answer["prediction"]) for status, answer in answers} == {(200, 7)}
    assert server.samples().value("predictions_total", outcome="prediction") == before + 64


def test_a_body_of_20_mb_is_413(server: Gunicorn) -> None:
    body = json.dumps({"image": "data:image/png;base64," + "A" * 20_000_000}).encode()
    assert server.post(body) == (413, {"error": "the request is larger than 2 MB"})


def test_chunks_without_a_length_are_413_too(server: Gunicorn) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"image": "data:image/png;base64,'
        for _ in range(20):
            yield b"A" * 1_000_000

    assert server.post(chunks()) == (413, {"error": "the request is larger than 2 MB"})


def test_chunks_within_the_limit_are_read(server: Gunicorn) -> None:
    body = json.dumps({"image": data_url(png(seven()))}).encode()
    status, answer = server.post([body[:100], body[100:]])
    assert (status, answer["prediction"]) == (200, 7)


def test_a_body_that_ends_early_is_a_4xx(server: Gunicorn) -> None:
    head = b"POST /api/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
    assert raw(server, head + b'{"image": "').split(b" ")[1].startswith(b"4")


def test_unknown_paths_and_methods_are_4xx_in_words_and_no_new_series(server: Gunicorn) -> None:
    for number in range(5):
        answer = server.get(f"/wp-admin/{number}?x=1")
        assert answer.status == 404
        assert "available are /, /api/predict" in json.loads(answer.text)["error"]
    assert server.get("/api/predict").status == 405
    assert "POST" in server.get("/api/predict").headers["Allow"]
    for method in ("BREW", "PROPFIND", "X" * 15):
        assert server.get("/", method=method).status in {400, 405, 501}
    samples = server.samples()
    routes = samples.labels("http_requests_total", "route")
    assert routes <= {"/", "/api/predict", "/api/system_info", "/try/error", "/static/<path:filename>", "none"}
    methods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"}
    assert samples.labels("http_requests_total", "method") <= methods
    assert samples.value("http_requests_total", method="GET", route="none", status="404") == 5


def test_an_exception_is_a_500_without_details_counted_and_logged_once(server: Gunicorn) -> None:
    def errors() -> float | None:
        return server.samples().value("http_request_exceptions_total", method="GET", route="/try/error")

    assert errors() == 0
    before = len(events(server.log))
    answer = server.get("/try/error?who=me")
    assert answer.status == 500
    assert json.loads(answer.text) == {"error": "something went wrong; the application's log has the details"}
    assert errors() == 1
    (event,) = events(server.log)[before:]
    assert "[ERROR] GET /try/error?who=me failed\n    Traceback (most recent call last):\n" in event
    assert event.count("RuntimeError: a deliberate error, from /try/error") == 1
    assert server.samples().value("http_requests_total", method="GET", route="/try/error", status="500") == 1


def test_no_request_can_forge_a_line_of_the_log(server: Gunicorn) -> None:
    before = len(events(server.log))
    forged = "%0A[2026-01-01 00:00:00 +0000] [1] [ERROR] forged%1B[2J%E2%80%A8x".replace(" ", "%20")
    assert server.get(f"/try/error?{forged}").status == 500
    raw(server, b"GET /try/error?\x0b\x1b[2Jforged\xc2\x85x HTTP/1.1\r\nHost: x\r\n\r\n")
    log = server.log
    assert "\x1b" not in log
    assert len(events(log)) - before <= 2
    assert not [line for line in log.splitlines() if line.startswith("[2026-01-01")]


def test_forging_text_inside_an_exception_stays_inside() -> None:
    import logging

    from digits.log import Lines

    error = ValueError("bad\n[2026-01-01 00:00:00 +0000] [1] [ERROR] forged\r\x1b[2J\u2028x")
    record = logging.LogRecord("x", logging.ERROR, "", 0, "GET /\nforged %s", ("\x1b",), (ValueError, error, None))
    lines = Lines().format(record).split("\n")
    assert STAMP.sub("", lines[0]) == r"GET /\nforged \x1b"
    assert all(line.startswith("    ") and line.isprintable() for line in lines[1:])


def test_answers_carry_headers_that_keep_browsers_strict(server: Gunicorn) -> None:
    for path in ("/", "/static/page.js", "/api/system_info", "/nowhere", "/try/error", "/metrics"):
        headers = server.get(path).headers
        assert "default-src 'self'; img-src 'self' data:" in headers["Content-Security-Policy"], path
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"


def test_promtool_has_nothing_to_say_about_the_metrics(server: Gunicorn) -> None:
    server.get("/")
    done = subprocess.run(
        [program("promtool"), "check", "metrics"],
        input=server.get("/metrics").body,
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


def test_metrics_themselves_are_not_counted_and_the_process_is_described(server: Gunicorn) -> None:
    server.get("/metrics", method="HEAD")
    samples = server.samples()
    assert samples.value("http_requests_total", route="/metrics") is None
    assert {"process_resident_memory_bytes", "process_start_time_seconds", "python_info"} <= samples.names()


@pytest.mark.parametrize("accept", ["", "*/*", "application/openmetrics-text; version=1.0.0", "a;b;;=,,;version=x;q=z"])
def test_metrics_are_served_whatever_is_accepted(server: Gunicorn, accept: str) -> None:
    answer = server.get("/metrics", {"Accept": accept})
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith(
        "application/openmetrics-text" if "openmetrics" in accept else "text/plain"
    )
    assert answer.text.endswith("# EOF\n") == ("openmetrics" in accept)


def test_errors_cannot_be_tried_unless_that_is_set(tmp_path: Path) -> None:
    with Gunicorn(tmp_path, DIGITS_SLOW="0.2") as server:
        assert server.get("/try/error").status == 404
        assert server.predict(data_url(png(seven())))[0] == 200
        taken = server.samples().value("prediction_duration_seconds_sum")
        assert taken is not None
        assert taken >= 0.2
        assert len(list(server.saved_images.iterdir())) == 1


def test_the_health_check_tells_running_from_not(server: Gunicorn) -> None:
    def check(url: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "digits.health", url]
        return subprocess.run(command, cwd=EXAMPLE, capture_output=True, text=True, timeout=30, check=False)

    assert check(f"{server.url}/metrics").returncode == 0
    missing = check("http://127.0.0.1:9/metrics")
    assert missing.returncode == 1
    assert missing.stderr.count("\n") == 1
