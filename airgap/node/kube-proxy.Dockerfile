FROM debian:trixie-slim
RUN apt-get update -q \
 && apt-get install -q -y --no-install-recommends iptables conntrack kmod nftables \
 && rm -rf /var/lib/apt/lists/*
COPY kube-proxy /usr/local/bin/kube-proxy
ENTRYPOINT ["/usr/local/bin/kube-proxy"]
