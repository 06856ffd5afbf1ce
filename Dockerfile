# docker build --target predictor --tag concord-predictor:local .
# CI names the base by its digest: --build-arg PYTHON=docker.io/library/python@sha256:…
ARG PYTHON=docker.io/library/python:3.11-slim

FROM ${PYTHON} AS predictor-environment
COPY requirements/predictor.txt /requirements.txt
# The environment has no pip of its own, and as there are only wheels in it, no stage needs a compiler.
RUN python3 -m venv --without-pip /opt/predictor \
    && python3 -m pip --python /opt/predictor/bin/python install \
        --no-cache-dir --disable-pip-version-check --only-binary :all: --require-hashes --requirement /requirements.txt

FROM predictor-environment AS predictor-code
COPY contract /app/contract
COPY predictor /app/predictor
# The root file system is read-only where it runs, so bytecode is written here; the code under it never changes.
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /app

FROM ${PYTHON} AS predictor
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Concord predictor" \
      org.opencontainers.image.description="Serves bundles over KServe's v1 and v2 protocols" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# What is to outlive the container goes to /var/lib/predictor: a new volume there takes over its owner.
RUN groupadd --gid 10001 predictor \
    && useradd --uid 10001 --gid predictor --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin predictor \
    && install --directory --owner predictor --group predictor --mode 0750 /var/lib/predictor
COPY --from=predictor-environment /opt/predictor /opt/predictor
COPY --from=predictor-code /app /app
WORKDIR /app
# ONNX Runtime sends telemetry to its maker unless it is told not to.
ENV ORT_DISABLE_TELEMETRY=1 \
    PATH=/opt/predictor/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PREDICTOR_BUNDLE=/mnt/models \
    PREDICTOR_HTTP_PORT=8080
# By number, as Kubernetes' runAsNonRoot can't look up a name.
USER 10001:10001
EXPOSE 8080 8081
# While it drains the answer is 503, and while it loads there is none: urlopen raises both.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-I", "-S", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['PREDICTOR_HTTP_PORT'] + '/v2/health/ready', timeout=2)"]
ENTRYPOINT ["python", "-m", "predictor"]
