"""Screenshots for README and docs: the real program on a machine that is the same every time."""
