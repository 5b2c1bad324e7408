"""The Flask application: routes, errors, headers."""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, jsonify, render_template, request
from prometheus_client import CollectorRegistry, Counter
from werkzeug.exceptions import HTTPException

from digits import log
from digits.gallery import Gallery
from digits.images import LARGEST, decoded, ink_of, received
from digits.machine import Machine
from digits.model import train
from digits.settings import Settings
from digits.shape import cells
from digits.watching import Predictions, watch

if TYPE_CHECKING:
    from digits.model import Model

CERTAIN = 60.0  # percent
DROPPED = 64_000_000  # bytes of a rejected request to read and discard
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}


class Application(Flask):
    """Flask, but an unhandled exception is logged as one event, with its request line."""

    def log_exception(self, exc_info: Any) -> None:
        """Log the traceback. Flask's own message has the path unescaped, line breaks included."""
        self.logger.error("%s %s failed", request.method, request.full_path.rstrip("?"), exc_info=exc_info)


def build(settings: Settings | None = None, model: Model | None = None) -> Flask:
    """Return the application. Trains the model unless one is given, which takes a few seconds."""
    settings = settings or Settings.from_environment(os.environ)
    app = Application("digits")
    app.json.sort_keys = False  # type: ignore[attr-defined] # as documented: prediction first
    app.config["MAX_CONTENT_LENGTH"] = LARGEST + 1  # so that received() can detect one byte too many
    log.set_up(logging.getLogger(app.name))  # before app.logger, which would add Flask's own handler
    registry = CollectorRegistry()
    if model is None:
        model = train()
        app.logger.info("trained in %.1f s; %.1f %% of unseen digits right", model.seconds, 100 * model.accuracy)
    _add_predict(app, settings, model, registry)
    machine = Machine()

    @app.get("/")
    def page() -> str:
        return render_template("page.html")

    @app.get("/api/system_info")
    def system_info() -> Response:
        return jsonify(machine.system_info())

    if settings.try_errors:

        @app.get("/try/error")
        def try_error() -> Response:
            raise RuntimeError("a deliberate error, from /try/error")

    watch(app, registry)

    @app.after_request
    def headers(answer: Response) -> Response:
        answer.headers.update(HEADERS)
        if request.endpoint != "static":
            answer.headers["Cache-Control"] = "no-store"
        return answer

    app.register_error_handler(HTTPException, _in_words)
    return app


def _add_predict(app: Flask, settings: Settings, model: Model, registry: CollectorRegistry) -> None:
    predictions = Predictions(registry, ("prediction", "uncertain", "refused"))
    failures = Counter("saved_images_failures", "Images that could not be saved.", registry=registry)
    most_bytes = int(settings.saved_images_mb * 1e6)
    gallery = Gallery(settings.saved_images, settings.saved_images_count, most_bytes, failures, app.logger)

    @app.post("/api/predict")
    def predict() -> tuple[Response, int]:
        try:
            picture = decoded(received(request))
            gallery.keep(picture)
            ink = ink_of(picture)
            with predictions.seconds.time():
                time.sleep(settings.slow)
                digit, share = model.predict(cells(ink))
        except HTTPException:
            predictions.outcomes.labels("refused").inc()
            raise
        certainty = round(100 * share, 2)
        if certainty < CERTAIN:
            predictions.outcomes.labels("uncertain").inc()
            text = f"it looks like {digit}, but that is only {certainty:.2f} % certain; draw it larger and clearer"
            return jsonify(error=text, certainty=certainty), 422
        predictions.outcomes.labels("prediction").inc()
        return jsonify(prediction=digit, certainty=certainty), 200


def _drop_body() -> None:
    """Drain the body: a client that is still sending would otherwise see a connection reset, not the response."""
    left = DROPPED
    # Only if the server ends the stream with the body; otherwise this would block, waiting for bytes that never come.
    while (
        left > 0
        and request.environ.get("wsgi.input_terminated")
        and (part := request.environ["wsgi.input"].read(65536))
    ):
        left -= len(part)


def _in_words(error: HTTPException) -> Response:
    """Return any error as one line in JSON; details of an exception go to the log only."""
    _drop_body()
    lines = {
        404: "not found; available are /, /api/predict, /api/system_info and /metrics",
        405: f"{request.method[:20]} is not accepted here",
        413: f"the request is larger than {LARGEST / 1e6:g} MB",
        500: "something went wrong; the application's log has the details",
    }
    answer = jsonify(error=lines.get(error.code or 500, error.description))
    answer.status_code = error.code or 500
    answer.headers.extend((name, value) for name, value in error.get_headers() if name == "Allow")
    return answer
