# `cellwright check` (or any other verb) for CI systems that run containers:
#
#     docker build --tag cellwright .
#     docker run --rm --volume "$PWD:/workspace:ro" cellwright
FROM debian:trixie-slim AS build
RUN apt-get update -q \
 && apt-get install -q -y --no-install-recommends python3 python3-venv \
 && rm -rf /var/lib/apt/lists/*
COPY . /source
# From the wheels in the folder wheels/ where there is one, else from the package index.
RUN python3 -m venv /opt/cellwright \
 && cd /source \
 && if [ -d wheels ]; then set -- --no-index --find-links=wheels cellwright; else set -- .; fi \
 && /opt/cellwright/bin/pip install --quiet --no-cache-dir --disable-pip-version-check "$@"

FROM debian:trixie-slim
# git: for `cellwright diff` and the checks against a commit. It reads what is mounted here, whoever
# owns it, and no other repository of someone else's.
RUN apt-get update -q \
 && apt-get install -q -y --no-install-recommends git python3 \
 && rm -rf /var/lib/apt/lists/* \
 && git config --system --add safe.directory /workspace
COPY --from=build /opt/cellwright /opt/cellwright
ENV PATH=/opt/cellwright/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    XDG_CACHE_HOME=/tmp/cache \
    LANG=C.UTF-8
USER 65532:65532
WORKDIR /workspace
ENTRYPOINT ["cellwright"]
CMD ["check"]
