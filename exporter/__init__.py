"""Host monitoring in a box: one machine's figures for Prometheus, a browser, a terminal and a file."""

__version__ = "0.1.0"
