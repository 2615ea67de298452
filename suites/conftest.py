"""The suites need a target; everything else comes from the plugin."""

import pytest

from kuflow_conformance.run.plugin import RUN


def pytest_collection(session: pytest.Session) -> None:
    if RUN not in session.config.stash:
        raise pytest.UsageError("the suites need a target: give --target FILE, or --url URL with credentials")
