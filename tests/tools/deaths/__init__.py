"""Kills one part of the stack after the other, and measures when the owner is told of it, and by what.

``python -m tests.tools.deaths`` runs the shipped configuration with its shipped intervals, natively, on loopback. It
takes 20 minutes, needs root (it mounts a small disk, to fill it), and prints the table in docs/reliability.md.
"""
