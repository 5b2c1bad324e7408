"""Exports to CSV and JSON Lines files."""
