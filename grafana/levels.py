"""The level of a table's cell by the machine's own limits: green, yellow or red.

A column has one scale of colours for all its rows, but takes the style of each cell from another column (Grafana 12.3),
which nobody sees. Here that is a label of the value's own series.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana import style

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import table

LOOKS = {
    style.CRITICAL: '{"background":"rgba(242,73,92,0.3)","boxShadow":"inset 4px 0 #f2495c"}',
    style.WARNING: '{"background":"rgba(250,222,42,0.25)","boxShadow":"inset 4px 0 #fade2a"}',
    style.OK: '{"boxShadow":"inset 4px 0 #73bf69"}',
}
"""How a cell looks at each level, in Grafana's green, yellow and red: an edge, and a tint behind bar and number."""
NOWHERE = {"viz": True, "legend": True, "tooltip": True}


def of_machines(share: str, resource: str) -> str:
    """Return the shares of a resource, one for each machine, with the label that says how their cells look."""

    def limit(severity: str) -> str:
        return style.limit(resource, severity, style.select)

    def reached(severity: str) -> str:
        return f"({share} >= {style.ON} {limit(severity)})"

    limited = f"({share} and {style.ON} ({limit('warning')} or {limit('critical')}))"
    return _looking(resource, reached("critical"), reached("warning"), limited, share, "job, instance")


def of_one(share: str, resource: str, by: str) -> str:
    """Return the shares of one machine, told apart by the labels ``by``, with the label that says how they look.

    A limit that is none is no number, which nothing reaches.
    """
    warning, critical = (f"scalar({style.limit(resource, severity)})" for severity in ("warning", "critical"))
    limited = f"({share} < {critical} or {share} < {warning})"
    return _looking(resource, f"({share} >= {critical})", f"({share} >= {warning})", limited, share, by)


def coloured(panel: table.Panel, column: str, resource: str) -> table.Panel:
    """Return a table in which a column with such a label shows it."""
    looks = _label(resource)
    panel = panel.override_by_name(column, [style.property_of("custom.styleField", looks)])
    return panel.override_by_name(looks, [style.property_of("custom.hideFrom", NOWHERE)])


def _label(resource: str) -> str:
    return f"{resource}_level"


def _looking(resource: str, critical: str, warning: str, limited: str, share: str, by: str) -> str:  # noqa: PLR0917
    """Return the shares, each with the looks of the first of these that it is in; without limits it has none."""
    looks = {critical: LOOKS[style.CRITICAL], warning: LOOKS[style.WARNING], limited: LOOKS[style.OK], share: "{}"}
    found = (f'label_replace({expr}, "{_label(resource)}", \'{look}\', "", "")' for expr, look in looks.items())
    return f" or on ({by}) ".join(found)
