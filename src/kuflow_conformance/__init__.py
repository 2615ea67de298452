"""Conformance suite for the KuFlow REST API, version 2024-06-14."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("kuflow-conformance")
    """The version of the installed package, which comes from the tag of its commit."""
except PackageNotFoundError:  # the sources are used without being installed
    __version__ = "0+source"
