"""A dashboard: its variables, its links, its annotations, and the places of its panels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grafana_foundation_sdk.builders import dashboard as db
from grafana_foundation_sdk.builders import statetimeline
from grafana_foundation_sdk.models import dashboard

from grafana import alerting, style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grafana_foundation_sdk.cog.builder import Builder

COLUMNS = 24
TAG = "host-exporter"


class Board:
    """A dashboard under construction: panels are placed from left to right and from top to bottom."""

    def __init__(self, uid: str, title: str, description: str) -> None:
        self._built = db.Dashboard(title).uid(uid).description(description).tags([TAG]).timezone("browser").readonly()
        self._built.tooltip(dashboard.DashboardCursorSync.CROSSHAIR).time("now-6h", "now").refresh("30s")
        self._built.timepicker(db.TimePicker().refresh_intervals(["15s", "30s", "1m", "5m", "15m", "1h"]))
        self._built.link(dashboards_link())
        self._x = self._y = self._height = 0
        self._below = 0
        self._id = 0
        self._row: db.Row | None = None
        self._annotations: list[db.AnnotationQuery] = []
        self._timelines: list[int] = []

    def variables(self, *variables: Builder[dashboard.VariableModel]) -> None:
        """Add variables."""
        for variable in variables:
            self._built.with_variable(variable)

    def annotations(self, annotations: Sequence[db.AnnotationQuery]) -> None:
        """Add annotations to all graphs. Timelines show the same as bars, so they have none."""
        self._annotations.extend(annotations)

    def add(self, panel: Any, width: int, height: int) -> None:
        """Place a panel beside the previous one, or below it if there is no room."""
        if self._x + width > COLUMNS:
            self._next_line()
        place = dashboard.GridPos(x=self._x, y=self._y, w=width, h=height)
        self._id += 1
        placed = panel.id(self._id).grid_pos(place)
        if isinstance(panel, statetimeline.Panel):
            self._timelines.append(self._id)
        self._x += width
        self._height = max(self._height, height)
        if self._row is not None:
            self._row.with_panel(placed)
        else:
            self._built.with_panel(placed)

    def row(self, title: str, *, collapsed: bool = False) -> None:
        """Start a row with a title; a collapsed row shows its panels once it is expanded.

        What follows is placed as if it had none: Grafana moves it down then.
        """
        self._end_row()
        self._next_line()
        self._id += 1
        row = db.Row(title).id(self._id).collapsed(collapsed)
        row.grid_pos(dashboard.GridPos(x=0, y=self._y, w=COLUMNS, h=1))
        self._y += 1
        if collapsed:
            self._row = row
            self._below = self._y
        else:
            self._built.with_row(row)

    def build(self) -> dashboard.Dashboard:
        """Return the dashboard."""
        self._end_row()
        for annotation in self._annotations:
            if self._timelines:
                annotation.filter(db.AnnotationPanelFilter().exclude(True).ids(self._timelines))
            self._built.annotation(annotation)
        return self._built.build()

    def _next_line(self) -> None:
        self._y += self._height
        self._x = self._height = 0

    def _end_row(self) -> None:
        if self._row is not None:
            self._built.with_row(self._row)
            self._row = None
            self._x = self._height = 0
            self._y = self._below


def dashboards_link() -> db.DashboardLink:
    """Return links to the other dashboards, which keep the time range."""
    link = db.DashboardLink("Dashboards").type(dashboard.DashboardLinkType.DASHBOARDS).tags([TAG]).icon("external link")
    link = link.tooltip("").url("").target_blank(False)
    return link.as_dropdown(False).include_vars(False).keep_time(True)


def data_source() -> db.DatasourceVariable:
    """Return the data source variable; it defaults to the provisioned Prometheus."""
    option = dashboard.VariableOption(text="Prometheus", value="prometheus", selected=True)
    return db.DatasourceVariable("datasource").label("Data source").type("prometheus").current(option).multi(False)


def one_of(name: str, label: str, query: str, *, regex: str = "", current: str = "") -> db.QueryVariable:
    """Return a variable that selects one value."""
    variable = _variable(name, label, query).multi(False).include_all(False).regex(regex)
    return (
        variable.current(dashboard.VariableOption(text=current, value=current, selected=True)) if current else variable
    )


def some_of(name: str, label: str, query: str) -> db.QueryVariable:
    """Return a variable that selects several values, initially all."""
    variable = _variable(name, label, query).multi(True).include_all(True).all_value(".+").regex("")
    return variable.current(dashboard.VariableOption(text="All", value="$__all", selected=True))


def _variable(name: str, label: str, query: str) -> db.QueryVariable:
    question: dict[str, object] = {"query": query, "refId": f"variable-{name}"}
    variable = db.QueryVariable(name).label(label).datasource(style.SOURCE).query(question)
    return variable.refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(
        dashboard.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC
    )


def alert_marks(matchers: Sequence[str]) -> list[db.AnnotationQuery]:
    """Return annotations for the moments at which alerts began to fire, in one colour a severity.

    Moments only: an alert that fires for hours would tint the very part of the graph that explains it. Information has
    no mark.
    """

    def marks(name: str, severity: str, colour: str) -> db.AnnotationQuery:
        selector = ", ".join((*matchers, 'alertstate="firing"', f'severity="{severity}"'))
        by = f"alertname, instance, device, mountpoint, {alerting.SUBJECTS}"
        fired = f"max by ({by}) (max_over_time(ALERTS{{{selector}}}[$__interval]"
        expr = f"{fired})) unless {fired} offset $__interval))"
        query = style.over_time(expr, "", name).interval("1m")
        found = db.AnnotationQuery().name(name).datasource(style.SOURCE).enable(True).hide(False).target(query)
        found = found.title_format("{{alertname}} {{mountpoint}}{{pool}}{{resource}}{{sensor}}")
        return found.icon_color(colour).text_format(severity).tag_keys("")

    return [marks("Critical alerts", "critical", style.CRITICAL), marks("Warnings", "warning", style.WARNING)]
