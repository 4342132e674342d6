# syntax=docker/dockerfile:1
# One image for every process: `docker run loanpulse worker`, `board`, `serve`, …
# It runs as an unprivileged user and writes nowhere, so the root file system can be read-only.

FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE CHANGELOG.md ./
COPY schemas schemas
COPY kpi_rules kpi_rules
COPY streams streams
COPY loanpulse loanpulse
ENV PIP_CONSTRAINT=/src/constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN pip wheel --no-deps --wheel-dir /wheels . \
 && python -m venv /opt/loanpulse \
 && /opt/loanpulse/bin/pip install /wheels/*.whl

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /nonexistent --no-create-home loanpulse
COPY --from=build /opt/loanpulse /opt/loanpulse
ENV PATH=/opt/loanpulse/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /tmp
USER 10001
EXPOSE 9464
ENTRYPOINT ["loanpulse"]
CMD ["--help"]
