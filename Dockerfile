FROM python:3.13.16-slim AS base

# Build stage; not part of the final image.
FROM base AS build
ENV PIP_PYTHON=/opt/host-exporter/bin/python
RUN python -m venv --without-pip /opt/host-exporter
WORKDIR /build
COPY requirements.lock .
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY exporter exporter
RUN pip install --no-cache-dir --no-deps --no-build-isolation . && pip uninstall --yes flit_core

FROM base
LABEL org.opencontainers.image.title="Host Exporter" \
      org.opencontainers.image.description="Host monitoring in a box: one machine's figures for Prometheus, a browser, a terminal and a file." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.authors="The Host Exporter authors"
# Nothing is installed in a running container.
RUN pip uninstall --yes pip && rm -rf /usr/local/lib/python3*/ensurepip
COPY --from=build /opt/host-exporter /opt/host-exporter

# It reads what every user of the host may read, and writes nothing. Through /host/proc, a process can read the environment and
# files of processes with the same uid, in other containers too: so no other service has this one, nor does the host. It is
# outside the ranges of Linux distributions and of systemd's DynamicUser (61184 to 65519).
USER 61123:61123
ENV PATH=/opt/host-exporter/bin:$PATH \
    HOST_EXPORTER_HOST=0.0.0.0 \
    HOST_EXPORTER_ROOTFS=/host \
    PYTHONDONTWRITEBYTECODE=1
EXPOSE 5000
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s CMD ["host-exporter", "health"]
ENTRYPOINT ["host-exporter"]
CMD ["serve"]
