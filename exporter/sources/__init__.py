"""Data sources: /proc and /sys on Linux, psutil elsewhere. Sources that need state between samples keep it here."""
