"""Tests of the Kubernetes provider: its pure parts, and its behaviour under the real engine."""
