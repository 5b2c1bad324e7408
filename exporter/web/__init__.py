"""The web application: ``create_app`` wraps a sampler. It is read-only: no request changes anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from exporter import __version__
from exporter.collectors import COLLECTORS
from exporter.render.json import dumps
from exporter.sampling.history import History
from exporter.web.alerts import beside
from exporter.web.headers import add_security
from exporter.web.hosts import check_hosts
from exporter.web.limits import HEADER, Waiting
from exporter.web.links import Links
from exporter.web.metrics import Expositions
from exporter.web.page import add_filters, page_context
from exporter.web.partials import Partials

if TYPE_CHECKING:
    from exporter.chain.watch import View, Watch
    from exporter.model import Snapshot
    from exporter.sampling.sampler import Sampler
    from exporter.settings import Settings

PATHS = "/, /metrics, /api/stats, /runbooks, /-/healthy, /-/ready"
NO_STORE = {"Cache-Control": "no-store"}


def create_app(
    sampler: Sampler, settings: Settings, history: History | None = None, watch: Watch | None = None
) -> Flask:
    """Return the WSGI application; ``history`` holds the points of the page's sparklines.

    ``watch`` knows how Prometheus and Alertmanager are doing.
    """
    app = Flask(__name__)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.url_map.merge_slashes = False  # a redirect would name a path that a proxy in front does not have
    # The icon of an exporter that is gone can only come from the browser's cache; the other files may change any time.
    app.get_send_file_max_age = {"unknown.svg": 86400}.get  # type: ignore[assignment]
    add_filters(app.jinja_env)
    thresholds = settings.thresholds()
    expositions = Expositions(thresholds)
    partials = Partials(app.jinja_env)
    points = history or History()
    links = Links(settings)
    names = frozenset(collector.name for collector in COLLECTORS)

    waiting = Waiting(sampler)

    def sample() -> Snapshot:
        return waiting.sample(request.headers.get(HEADER))

    def view() -> View | None:
        return watch.view() if watch else None

    @app.get("/")
    def page() -> Response:
        seen = view()
        snapshot, firing = beside(sample(), seen)
        context = page_context(snapshot, settings, points.points(), firing, links.shown(request.host, seen))
        context["places"] = partials.draw(context)
        text = render_template("page.html", **context)
        return Response(text, mimetype="text/html", headers=NO_STORE)

    @app.get("/metrics")
    def metrics() -> Response:
        wanted = frozenset(request.args.getlist("collect[]"))
        if unknown := wanted - names:
            accepted = ", ".join(sorted(names))
            return _text(f"collect[]: {min(unknown)!r} is not a collector; choose from {accepted}", 400)
        body, headers = expositions.get(
            sample(), wanted or None, request.headers.get("Accept", ""), request.accept_encodings["gzip"] > 0
        )
        return Response(body, headers=headers)

    @app.get("/api/stats")
    def stats() -> Response:
        snapshot, _ = beside(sample(), view())
        body = dumps(snapshot, thresholds) + "\n"
        return Response(body, mimetype="application/json", headers=NO_STORE)

    @app.get("/runbooks")
    def runbooks() -> Response:
        return Response(render_template("runbooks.html", version=__version__), mimetype="text/html", headers=NO_STORE)

    @app.get("/-/healthy")
    def healthy() -> Response:
        return _text("alive")

    @app.get("/-/ready")
    def ready() -> Response:
        return _text("ready") if waiting.is_ready() else _text("all collectors are failing", 503)

    check_hosts(app, settings)
    app.register_error_handler(HTTPException, _refused)
    # No traceback per request on a machine that is out of memory.
    app.register_error_handler(MemoryError, lambda _: _text("out of memory; try again later", 503))
    app.after_request(add_security)
    return app


def _refused(error: HTTPException) -> Response:
    code = error.code or 500
    hints = {404: f"try {PATHS}", 405: "GET and HEAD are accepted"}
    answer = _text(f"{code} {error.name}; {hints.get(code, error.description)}", code)
    if isinstance(error, MethodNotAllowed):
        answer.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    return answer


def _text(line: str, status: int = 200) -> Response:
    return Response(f"{line}\n", status=status, mimetype="text/plain", headers=NO_STORE)
