FROM python:3.13-slim AS build
WORKDIR /build
RUN python -m venv /opt/ringostat-sync
COPY requirements.lock .
RUN /opt/ringostat-sync/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY worker worker
COPY models models
COPY migrations migrations
RUN /opt/ringostat-sync/bin/pip install --no-cache-dir --no-deps .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --create-home sync
COPY --from=build /opt/ringostat-sync /opt/ringostat-sync
ENV PATH=/opt/ringostat-sync/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
WORKDIR /home/sync
STOPSIGNAL SIGTERM
ENTRYPOINT ["ringostat-sync"]
