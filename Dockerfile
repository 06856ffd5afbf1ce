# make images builds both targets: `predictor` serves bundles, `pipeline` runs the stages of the pipeline.
# A release names the base by its digest, which `docker buildx imagetools inspect python:3.11-slim` tells:
# make images BASE=docker.io/library/python@sha256:…
ARG PYTHON=docker.io/library/python:3.11-slim

FROM ${PYTHON} AS predictor-environment
COPY requirements/predictor.txt /requirements.txt
# The environment has no pip of its own, and as there are only wheels in it, no stage needs a compiler. Where packages
# come from is a secret of the build: it may hold a password, and is no part of what is built.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=certificates,target=/run/secrets/certificates \
    python3 -m venv --without-pip /opt/predictor \
    && python3 -m pip --python /opt/predictor/bin/python install --no-deps \
        --no-cache-dir --disable-pip-version-check --only-binary :all: --require-hashes --requirement /requirements.txt

FROM predictor-environment AS predictor-root
COPY images/root.py /root.py
# What is to outlive a container goes to /var/lib/predictor: a new volume there takes over its owner.
RUN python3 /root.py /system /opt/predictor \
    && echo 'predictor:x:10001:10001::/nonexistent:/nonexistent' > /system/etc/passwd \
    && echo 'predictor:x:10001:' > /system/etc/group \
    && install --directory --mode 1777 /system/tmp \
    && install --directory /system/mnt/models \
    && install --directory --mode 0750 /state/predictor

FROM ${PYTHON} AS predictor-code
COPY contract /app/contract
COPY predictor /app/predictor
# The root file system is read-only where it runs, so bytecode is written here; the code under it never changes.
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /app

# Nothing but Python and what it needs: no shell, no package manager.
FROM scratch AS predictor
COPY --from=predictor-root /system /
COPY --from=predictor-root --chown=10001:10001 /state /var/lib
COPY --from=predictor-environment /opt/predictor /opt/predictor
COPY --from=predictor-code /app /app
WORKDIR /app
# ONNX Runtime sends telemetry to its maker unless it is told not to.
ENV LANG=C.UTF-8 \
    ORT_DISABLE_TELEMETRY=1 \
    PATH=/opt/predictor/bin \
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
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="Concord predictor" \
      org.opencontainers.image.description="Serves bundles over KServe's v1 and v2 protocols" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.licenses="Apache-2.0"

FROM ${PYTHON} AS pipeline-environment
COPY requirements/pipeline-image.txt /requirements.txt
# --no-deps, as the lock is complete: KFP's executor needs nothing of what KFP's compiler and client ask for.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=certificates,target=/run/secrets/certificates \
    python3 -m venv --without-pip /opt/pipeline \
    && python3 -m pip --python /opt/pipeline/bin/python install --no-deps \
        --no-cache-dir --disable-pip-version-check --only-binary :all: --require-hashes --requirement /requirements.txt

FROM ${PYTHON} AS pipeline-code
COPY contract /app/contract
COPY components /app/components
COPY predictor /app/predictor
COPY datasets /app/datasets
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /app

# What KFP puts before a task is a line of shell, so this one keeps the base's.
FROM ${PYTHON} AS pipeline
RUN groupadd --gid 10001 pipeline \
    && useradd --uid 10001 --gid pipeline --no-create-home --home-dir /tmp --shell /usr/sbin/nologin pipeline
COPY --from=pipeline-environment /opt/pipeline /opt/pipeline
COPY --from=pipeline-code /app /app
# Where a task runs: contracts are found from here, and so is the code, whatever directory a cluster starts it in.
WORKDIR /app
ENV GIT_PYTHON_REFRESH=quiet \
    HOME=/tmp \
    MLFLOW_DISABLE_TELEMETRY=true \
    MPLCONFIGDIR=/tmp/matplotlib \
    ORT_DISABLE_TELEMETRY=1 \
    PATH=/opt/pipeline/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1
USER 10001:10001
# A task ends by itself.
HEALTHCHECK NONE
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="Concord pipeline (Python 3.11)" \
      org.opencontainers.image.description="Runs the stages of the pipeline as tasks of Kubeflow Pipelines" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.licenses="Apache-2.0"
