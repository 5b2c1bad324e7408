"""Where the figures come from: /proc and /sys as text, psutil elsewhere. What needs a memory keeps it here."""
