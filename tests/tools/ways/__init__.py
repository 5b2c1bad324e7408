"""Breaks a machine in every way that an alert is for, and measures when its owner is told, and of what.

``python -m tests.tools.ways`` runs the shipped configuration at its shipped intervals, natively, on loopback, and
beside it node_exporter with node-mixin's rules in a Prometheus of their own. Both exporters read the same trees
of files, in which the faults are: real ones where this machine allows. It needs root, and Go for the other side; it
writes the table "Ways to die" in docs/reliability.md.
"""
