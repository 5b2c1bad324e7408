"""The watch over Prometheus and Alertmanager, without real servers; tests/stack has those."""
