# Mesa's API. Build: docker build -t mesa .
FROM rust:1-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends libpq-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /mesa
COPY . .
# With the system's libpq, which security updates of the base image reach.
RUN cargo build --release --locked --no-default-features

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl libpq5 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/mesa --create-home mesa
COPY --from=build /mesa/target/release/mesa /usr/local/bin/mesa
USER mesa
ENV MESA_LISTEN=0.0.0.0:8080 MESA_DATA_DIR=/var/lib/mesa
VOLUME /var/lib/mesa
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD curl -fsS http://127.0.0.1:8080/health/ready
CMD ["mesa"]
