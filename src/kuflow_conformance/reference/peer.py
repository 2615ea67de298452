"""Schemathesis' own command line on a target: what a generic tool finds there, and what that takes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from kuflow_conformance.description import openapi
from kuflow_conformance.target import target_file as target


def run(
    target_file: Path, environment: Mapping[str, str], *options: str, timeout: float | None = None
) -> tuple[int, int]:
    """The exit code of a run with all checks, and how many requests it generated.

    The description has the errata applied, or what is known to be wrong in it would hide what is wrong in answers.
    Files that `options` name have to be named in full. Raises subprocess.TimeoutExpired after `timeout` seconds.
    """
    settings = target.load(target_file, {})
    with tempfile.TemporaryDirectory() as folder:
        description, configuration = Path(folder) / "openapi.json", Path(folder) / "schemathesis.toml"
        description.write_text(json.dumps(openapi.load().document), encoding="utf-8")
        user = settings.auth.user
        configuration.write_text(f'[auth.basic]\nusername = "{user}"\npassword = "${{KUFLOW_TOKEN}}"\n')
        words = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(configuration), "run", str(description)]
        words += ["--url", settings.base_url, "--checks", "all", *options]
        done = subprocess.run(
            words,
            env={**os.environ, **environment},
            cwd=folder,  # it leaves a cache where it runs
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    generated = re.search(r"(\d+) generated", done.stdout)
    return done.returncode, int(generated[1]) if generated else 0
