"""The stack without Docker: the shipped files, the real servers, on loopback. ``make stack`` and the tests use it."""
