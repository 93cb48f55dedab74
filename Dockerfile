# Mesa's API. Build, with BuildKit (the default from Docker 23 on): docker build -t mesa .
FROM rust:1-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends libpq-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /mesa
COPY . .
# With the system's libpq, which security updates of the base image reach. Dependencies are kept in caches of the builder. Cargo
# compares times of files, and a cache may be newer than the sources of another checkout: Mesa itself is always compiled.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/mesa/target,sharing=locked \
    touch src/lib.rs src/main.rs \
    && cargo build --release --locked --no-default-features \
    && cp target/release/mesa /usr/local/bin/mesa

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl libpq5 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/mesa --create-home mesa
COPY --from=build /usr/local/bin/mesa /usr/local/bin/mesa
USER mesa
ENV MESA_LISTEN=0.0.0.0:8080 MESA_DATA_DIR=/var/lib/mesa
VOLUME /var/lib/mesa
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD curl -fsS http://127.0.0.1:8080/health/ready
CMD ["mesa"]
