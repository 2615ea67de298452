"""Conformance suite for the KuFlow REST API, version 2024-06-14."""

__version__ = "0.1.0"
