"""The dashboards, as code: build.py writes dashboards/*.json."""
