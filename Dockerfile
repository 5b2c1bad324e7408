FROM python:3.13.14-slim

WORKDIR /opt/host-exporter
COPY requirements.lock .
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY exporter exporter
RUN pip install --no-cache-dir --no-deps --no-build-isolation .

# Nobody: it reads what every user of the host may read, and writes nothing.
USER 65534:65534
ENV HOST_EXPORTER_HOST=0.0.0.0 \
    HOST_EXPORTER_ROOTFS=/host \
    PYTHONDONTWRITEBYTECODE=1
EXPOSE 5000
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s CMD ["host-exporter", "health"]
ENTRYPOINT ["host-exporter"]
CMD ["serve"]
