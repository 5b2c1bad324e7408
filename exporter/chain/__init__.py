"""The exporter beside a Prometheus and an Alertmanager watches both: neither can report its own death."""
