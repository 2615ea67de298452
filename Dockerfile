# docker build -t kuflow-conformance . && docker run --rm -e KUFLOW_TOKEN -v "$PWD:/work" kuflow-conformance run --target staging.toml
FROM python:3.12-slim AS build
# The version of a release; without it, what the sources say of themselves.
ARG VERSION=
ENV SETUPTOOLS_SCM_PRETEND_VERSION=$VERSION
COPY . /source
RUN pip wheel --quiet --no-cache-dir --no-deps --wheel-dir /wheels /source

FROM python:3.12-slim
COPY --from=build /wheels /wheels
RUN pip install --quiet --no-cache-dir /wheels/*.whl && rm -r /wheels && useradd --create-home tester
USER tester
WORKDIR /work
ENTRYPOINT ["kuflow-conformance"]
CMD ["--help"]
