# syntax=docker/dockerfile:1
# Base images are pinned by tag; docs/operations.md says how to pin the digest.

FROM python:3.13-slim-bookworm AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
RUN python -m venv /opt/but-gateway
WORKDIR /build
# The lock first: this layer changes only when a dependency does. Every file is hashed, and nothing is built from source.
COPY requirements/server.txt requirements/server.txt
RUN /opt/but-gateway/bin/pip install --only-binary :all: --require-hashes -r requirements/server.txt
COPY pyproject.toml README.md LICENSE ./
COPY migrations migrations
COPY src src
RUN /opt/but-gateway/bin/pip install --no-deps --no-build-isolation --no-index . \
    && /opt/but-gateway/bin/python -m compileall -q /opt/but-gateway/lib

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="but-gateway" \
      org.opencontainers.image.description="Checks, invoices, decisions and settlement for the Bildungs- und Teilhabepaket" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/but-gateway/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 BUT_ENV=production
RUN groupadd --gid 10001 but-gateway \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin but-gateway
# Root owns the programs, so the service cannot change what it runs.
COPY --from=builder /opt/but-gateway /opt/but-gateway
WORKDIR /
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/health/live', timeout=2)"]
ENTRYPOINT ["but-gateway"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]
