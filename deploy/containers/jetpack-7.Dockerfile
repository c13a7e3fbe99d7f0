# The agent on JetPack 7; the build's folder is a bundle.
# BASE: NVIDIA's image for L4T 38 and 39, TensorRT 10.13 and later, Python 3.12: tensorrt:25.08-py3
ARG BASE
FROM ${BASE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3-numpy \
 && rm -rf /var/lib/apt/lists/*
COPY edgeprune-agent.pyz /opt/edgeprune-agent.pyz
ENV EDGEPRUNE_CACHE_DIR=/cache
ENTRYPOINT ["python3", "/opt/edgeprune-agent.pyz"]
