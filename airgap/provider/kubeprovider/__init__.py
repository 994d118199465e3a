"""A Pulumi resource provider for Kubernetes, for networks where the official plugin cannot be had.

Pure: objects kinds annotations properties quantity diff immutable managers readiness state checks
config redaction. Input and output: connection api engine. On top of both: trouble wait resources,
then replies server. It renders no charts or YAML files, makes up no names, and keeps nothing
between calls but its connection and what the API server serves.
"""
