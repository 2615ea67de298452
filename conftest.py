"""The plugin's options are known wherever pytest runs in this checkout."""

pytest_plugins = ["kuflow_conformance.run.plugin"]
