"""The production HTTP server: connections, TLS handshakes, slow clients."""
