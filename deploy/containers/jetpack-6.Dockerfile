# The agent on JetPack 6; the build's folder is a bundle.
# BASE: NVIDIA's image for L4T 36.4, TensorRT 10.3, Python 3.10: l4t-tensorrt:r10.3.0-runtime
ARG BASE
FROM ${BASE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3-numpy \
 && rm -rf /var/lib/apt/lists/*
COPY edgeprune-agent.pyz /opt/edgeprune-agent.pyz
ENV EDGEPRUNE_CACHE_DIR=/cache
ENTRYPOINT ["python3", "/opt/edgeprune-agent.pyz"]
