"""What locust asks in ``make load-test``: the exporter as scrapers and browsers do, the example as people who draw."""

from __future__ import annotations

import base64
import random
from pathlib import Path

from locust import HttpUser, between, task

DRAWN = Path(__file__).parents[2] / "examples/digits/drawn"


class Exporter(HttpUser):
    """Scrapes, and looks at the page, ten times a second; far more often than anybody would."""

    wait_time = between(0.05, 0.15)

    @task(6)
    def scrape(self) -> None:
        """Scrape as Prometheus does."""
        self.client.get("/metrics", headers={"Accept": "text/plain;version=0.0.4", "Accept-Encoding": "gzip"})

    @task(2)
    def look(self) -> None:
        """Open the page."""
        self.client.get("/")

    @task(2)
    def ask(self) -> None:
        """Read the figures as JSON."""
        self.client.get("/api/stats")

    @task(1)
    def check(self) -> None:
        """Ask whether it is alive."""
        self.client.get("/-/healthy")


class Digits(HttpUser):
    """Draws a digit every second or so, and sometimes opens the page anew."""

    wait_time = between(0.5, 1.5)

    def on_start(self) -> None:
        """Draw some digits beforehand."""
        self.pictures = [
            f"data:image/png;base64,{base64.b64encode(file.read_bytes()).decode()}" for file in DRAWN.glob("*.png")
        ]

    @task(8)
    def predict(self) -> None:
        """Ask which digit it is."""
        picture = random.choice(self.pictures)  # any of them will do
        with self.client.post("/api/predict", json={"image": picture}, catch_response=True) as answer:
            if answer.status_code == 422 and "certainty" in answer.json():  # that it is not certain is an answer
                answer.success()

    @task(1)
    def open(self) -> None:
        """Open the page."""
        self.client.get("/")

    @task(1)
    def system(self) -> None:
        """Ask how the machine is."""
        self.client.get("/api/system_info")
