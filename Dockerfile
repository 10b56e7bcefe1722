# One image for every service; the argument picks which: `docker run IMAGE run order`.

FROM python:3.13-slim AS build
# Only where the machine reaches Python packages by a way of its own; unset, pip's defaults hold.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_COMPILE=1
RUN python3 -m venv /opt/aftersale
COPY requirements.lock /build/
RUN /opt/aftersale/bin/pip install --require-hashes -r /build/requirements.lock
COPY pyproject.toml README.md /build/
COPY shared /build/shared
COPY services /build/services
# The build tool is in the lock file: nothing without a hash comes in.
RUN /opt/aftersale/bin/pip install --no-deps --no-build-isolation /build \
 && python3 -m compileall -q /opt/aftersale/lib

FROM python:3.13-slim
# What sets the text of PDFs (WeasyPrint), and a typeface to set it in.
RUN apt-get update \
 && apt-get install -y --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-inter \
 && rm -rf /var/lib/apt/lists/*
RUN groupadd --gid 10001 aftersale \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin aftersale \
 && install --directory --owner=10001 --group=10001 /spool /attachments
COPY --from=build /opt/aftersale /opt/aftersale
# eventlet's own DNS resolver reads no search domains as the platform's does: names of services would not resolve.
ENV PATH=/opt/aftersale/bin:$PATH \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    EVENTLET_NO_GREENDNS=yes \
    HOST=0.0.0.0 \
    PORT=8000
WORKDIR /tmp
USER 10001:10001
EXPOSE 8000
ENTRYPOINT ["aftersale"]
CMD ["--help"]
