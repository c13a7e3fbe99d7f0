# The agent on JetPack 5; the build's folder is a bundle.
# BASE: NVIDIA's image for L4T 35, TensorRT 8.5, Python 3.8: l4t-tensorrt:r8.5.2-runtime
ARG BASE
FROM ${BASE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3-numpy \
 && rm -rf /var/lib/apt/lists/*
COPY edgeprune-agent.pyz /opt/edgeprune-agent.pyz
ENV EDGEPRUNE_CACHE_DIR=/cache
ENTRYPOINT ["python3", "/opt/edgeprune-agent.pyz"]
