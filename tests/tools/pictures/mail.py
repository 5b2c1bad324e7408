"""The email about a busy machine, with the words that the test of its rule expects."""

from __future__ import annotations

import tempfile
from pathlib import Path

import yaml

from tests.stack.test_mail_template import alert, render

RULES = Path(__file__).parents[2] / "rules/HostHighCpu.yml"


def html() -> str:
    """Return the email of the first alert of the file as HTML."""
    tests = yaml.safe_load(RULES.read_text(encoding="utf-8"))["tests"]
    expected = (found for test in tests for moment in test["alert_rule_test"] for found in moment["exp_alerts"])
    first = next(expected)
    fires = alert("firing", "HostHighCpu", first["exp_labels"]["severity"], **first["exp_annotations"])
    with tempfile.TemporaryDirectory() as folder:
        return render(Path(folder), "html", fires)
