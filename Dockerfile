FROM python:3.13-slim AS build
WORKDIR /build
RUN python -m venv /opt/ringostat-sync
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.lock .
RUN /opt/ringostat-sync/bin/pip install --require-hashes -r requirements.lock
COPY pyproject.toml setup.py README.md LICENSE ./
COPY examples examples
COPY worker worker
COPY models models
COPY migrations migrations
RUN /opt/ringostat-sync/bin/pip install --no-deps .

FROM python:3.13-slim
RUN useradd --uid 10001 --user-group --create-home --home-dir /home/ringostat-sync ringostat-sync
COPY --from=build /opt/ringostat-sync /opt/ringostat-sync
ENV PATH=/opt/ringostat-sync/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /home/ringostat-sync
STOPSIGNAL SIGTERM
ENTRYPOINT ["ringostat-sync"]
