"""The pages behind a reverse proxy that serves them below a path of its own, and what such proxies ask for."""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urljoin
from urllib.request import urlopen

import pytest
from playwright.sync_api import expect

from tests.support import Answer
from tests.support_browser import Watch, wait_until
from tests.web.test_page import Page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page as Tab

    from tests.support import Exporter

PREFIX = "/hosts/web-01/"


def proxy_class(port: int, replacement: str) -> type[BaseHTTPRequestHandler]:
    class Proxy(BaseHTTPRequestHandler):
        """Passes requests on, with ``replacement`` in place of PREFIX; has nothing else."""

        def do_GET(self) -> None:
            if not self.path.startswith(PREFIX):
                self.send_error(404)
                return
            exporter = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            exporter.request("GET", replacement + self.path.removeprefix(PREFIX))
            answer = exporter.getresponse()
            body = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name in {"Content-Type", "Content-Security-Policy", "Location"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            exporter.close()

        def log_message(self, *_: object) -> None:
            pass

    return Proxy


@pytest.fixture(params=["/", "//"])
def below(exporter: Exporter, request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the address of the page behind a proxy that replaces its prefix by one slash, or by two."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), proxy_class(exporter.port, request.param))
    serving = threading.Thread(target=server.serve_forever, args=(0.05,))
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}{PREFIX}"
    server.shutdown()
    serving.join()
    server.server_close()


def addresses(page: Page) -> set[str]:
    """Return the addresses of a page's own files and links."""
    found = (a[name] for _, a, _ in page.elements for name in ("href", "src") if name in a)
    return {address for address in found if not address.startswith(("http:", "https:", "#"))}


def test_every_link_of_every_page_stays_below_the_prefix(below: str) -> None:
    ahead, seen = {below}, set[str]()
    while ahead:
        address = ahead.pop()
        seen.add(address)
        assert address.startswith(below)
        with urlopen(address, timeout=10) as answer:
            assert answer.url == address
            html = answer.headers["Content-Type"].startswith("text/html")
            body = answer.read().decode()
        if html:
            ahead |= {urljoin(address, each).partition("#")[0] for each in addresses(Page(body))} - seen
    names = {each.removeprefix(below).partition("?")[0] for each in seen}
    files = {"static/page.css", "static/page.js", "static/lines.js", "static/runbooks.css", "static/ok.svg"}
    assert names - {"static/warning.svg", "static/critical.svg"} == {"", "runbooks", "metrics", "api/stats", *files}


@pytest.mark.browser
def test_the_page_is_styled_and_keeps_itself_current_below_a_prefix(page: Tab, below: str) -> None:
    watch = Watch(page)
    page.goto(below)
    assert page.evaluate("document.styleSheets[0].cssRules.length") > 20
    for _ in range(2):
        wait_until(
            page, "before => document.querySelector('time').dateTime > before", page.get_attribute("time", "datetime")
        )
    assert page.evaluate("document.querySelector('link[rel=icon]').href").startswith(f"{below}static/")
    page.get_by_role("link", name="Runbooks").click()
    expect(page).to_have_url(f"{below}runbooks")
    page.get_by_role("link", name="Status page").click()
    expect(page).to_have_url(below)
    assert watch.errors == []
    assert all(url.startswith(below) for url in watch.urls)


@pytest.mark.parametrize(
    ("path", "same_as"),
    [
        ("//metrics?collect[]=system", "/metrics?collect[]=system"),
        ("///static//page.css", "/static/page.css"),
        ("//-//healthy", "/-/healthy"),
    ],
)
def test_slashes_in_a_row_count_as_one(exporter: Exporter, path: str, same_as: str) -> None:
    answer = ask(exporter, path)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == exporter.get(same_as).headers["Content-Type"]


@pytest.mark.parametrize(
    "path", ["//evil.example", "//evil.example/metrics", "/\\evil.example", "//evil.example/..", "/%2Fevil.example"]
)
def test_no_path_leads_to_another_host(exporter: Exporter, path: str) -> None:
    answer = ask(exporter, path)
    assert answer.status == 404
    assert "Location" not in answer.headers


def test_slashes_in_a_query_are_left_alone(exporter: Exporter) -> None:
    answer = ask(exporter, "/metrics?collect[]=a//b")
    assert answer.status == 400
    assert "a//b" in answer.text


def ask(exporter: Exporter, path: str) -> Answer:
    """Return the response to a request for exactly this path: urllib would rewrite it."""
    connection = http.client.HTTPConnection("127.0.0.1", exporter.port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read())
    finally:
        connection.close()
