"""Checks the stack's settings before anything starts: ``make doctor``, and ``docker compose run --rm check``.

It needs nothing but Python, because it runs before anything is installed, and in the exporter's image.
"""
