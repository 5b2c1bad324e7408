"""Where a click leads: to the runbook of an alert, to another page."""

from __future__ import annotations

import re

from grafana_foundation_sdk.builders import dashboard as db
from grafana_foundation_sdk.models import dashboard

from grafana import style

RUNBOOKS = "http://localhost:5000/runbooks"
"""The exporter's page of runbooks, where alerts.yml has its links too."""


def address() -> db.TextBoxVariable:
    """Return the hidden variable with the address of the runbooks, as the browser reaches them.

    Dashboards are files without an environment, and no series knows this address, so it is that of ``.env.example``; a
    link to a dashboard may give another one (docs/dashboards.md).
    """
    option = dashboard.VariableOption(text=RUNBOOKS, value=RUNBOOKS, selected=True)
    variable = db.TextBoxVariable("runbooks").label("Runbooks").default_value(RUNBOOKS).current(option)
    return variable.options([option]).hide(dashboard.VariableHide.HIDE_VARIABLE)


def to(title: str, url: str, *, new_tab: bool = False) -> dashboard.DynamicConfigValue:
    """Return the property that makes values lead to another page."""
    return style.property_of("links", [{"title": title, "url": url, "targetBlank": new_tab}])


def runbooks() -> dashboard.DynamicConfigValue:
    """Return the property that makes a number of alerts lead to the runbooks, in a tab of their own."""
    return to("Runbooks", "${runbooks:raw}", new_tab=True)


def runbook() -> dashboard.DynamicConfigValue:
    """Return the property that makes a series of ALERTS lead to the runbook of its alert, in a tab of its own."""
    return to("Runbook of ${__field.labels.alertname}", "${runbooks:raw}#${__field.labels.alertname}", new_tab=True)


def described(text: str) -> str:
    """Return a panel's description, which is Markdown, with a link wherever it names a runbook."""
    return re.sub(r"([Rr]unbook) ([A-Z]\w+)", r"\1 [\2](${runbooks:raw}#\2)", text)
