"""Draws the committed dashboards without a Grafana server, from the components that Grafana publishes in npm.

A real Prometheus answers the panels' queries from an hour of invented history with the shipped rules (``world``,
``services``, ``recorded``). The page in ``app`` makes frames of its answers as Grafana's data source does. The rest is
Grafana's own: transformations, field settings, display processors, stat, graph, table, legend and the panel's frame.
Grafana does not publish its state timeline: its bars are drawn on Grafana's plot, in colours of its display processors.

What it cannot show is part of Grafana's application: alert marks on graphs, tooltips, the toolbar with its menus and
links, the texts and the legend of a state timeline, and what a variable chooses first.
"""
