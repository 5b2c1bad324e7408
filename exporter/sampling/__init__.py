"""Samples of the machine: taken on demand, shared by all readers, each collector timed and isolated."""
