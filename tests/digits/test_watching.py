"""watching.py in any Flask application: what it counts, under which labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask import Flask, Response, abort

from tests.support import Samples

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.exceptions import NotFound


@pytest.fixture
def app() -> Flask:
    from digits.watching import watch

    app = Flask("shop")

    @app.get("/items/<int:number>")
    def item(number: int) -> str:
        return str(1 // number)

    @app.post("/items/<int:number>")
    def refuse(number: int) -> str:
        abort(500 if number else 400)

    watch(app)
    return app


def samples(client: FlaskClient) -> Samples:
    return Samples.parse(client.get("/metrics").text)


def test_routes_are_rules_and_not_paths(app: Flask) -> None:
    client = app.test_client()
    for number in range(1, 6):
        client.get(f"/items/{number}")
    found = samples(client)
    assert found.labels("http_requests_total", "route") == {"/items/<int:number>", "/static/<path:filename>", "none"}
    assert found.value("http_requests_total", route="/items/<int:number>", method="GET", status="200") == 5
    assert found.value("http_request_duration_seconds_count", route="/items/<int:number>", method="GET") == 5


def test_exceptions_are_there_with_0_before_the_first_one(app: Flask) -> None:
    client = app.test_client()
    name, labels = "http_request_exceptions_total", {"method": "GET", "route": "/items/<int:number>"}
    assert samples(client).value(name, **labels) == 0
    assert client.get("/items/0").status_code == 500
    found = samples(client)
    assert found.value(name, **labels) == 1
    assert found.value("http_requests_total", status="500", **labels) == 1


def test_errors_that_the_application_answers_are_no_exceptions(app: Flask) -> None:
    client = app.test_client()
    assert client.post("/items/0").status_code == 400
    assert client.post("/items/1").status_code == 500  # by abort(), which is deliberate
    found = samples(client)
    assert found.value("http_request_exceptions_total", method="POST", route="/items/<int:number>") == 0
    asked = {"method": "POST", "route": "/items/<int:number>"}
    assert found.value("http_requests_total", status="500", **asked) == 1


def test_a_hook_that_ends_the_request_first_is_counted_too(app: Flask) -> None:
    @app.before_request
    def closed() -> Response:
        return Response(status=503)

    client = app.test_client()
    client.get("/items/1")
    app.before_request_funcs.clear()
    assert samples(client).value("http_requests_total", status="503") == 1


def test_an_error_handler_decides_about_the_status(app: Flask) -> None:
    @app.errorhandler(404)
    def gone(_: NotFound) -> tuple[str, int]:
        return "gone", 410

    client = app.test_client()
    client.get("/nowhere")
    assert samples(client).value("http_requests_total", route="none", status="410", method="GET") == 1


def test_two_applications_in_one_process_count_apart(app: Flask) -> None:
    from digits.watching import watch

    other = Flask("other")
    watch(other)
    app.test_client().get("/items/1")
    assert samples(other.test_client()).labels("http_requests_total", "status") == {"500"}  # exposed with 0
    assert samples(app.test_client()).value("http_requests_total", status="200") == 1


def test_exceptions_before_any_route_are_counted_from_zero_on_too(app: Flask) -> None:
    @app.errorhandler(404)
    def broken(_: NotFound) -> str:
        raise ValueError

    client = app.test_client()
    assert samples(client).value("http_request_exceptions_total", method="GET", route="none") == 0
    assert client.get("/nowhere").status_code == 500
    assert samples(client).value("http_request_exceptions_total", method="GET", route="none") == 1


def test_no_series_is_spent_on_when_a_counter_was_made(app: Flask) -> None:
    client = app.test_client()
    client.get("/items/1")
    assert not [name for name in samples(client).names() if name.endswith("_created")]


def test_it_needs_nothing_of_the_example() -> None:
    from tests.digits.support import EXAMPLE

    text = (EXAMPLE / "digits/watching.py").read_text()
    assert "import digits" not in text
    assert "from digits" not in text
    assert len(text.splitlines()) < 100
