"""What the user asked for: made and checked once, where it is asked, and handed down from there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from kuflow_conformance.description.requirements import Profile
from kuflow_conformance.run.selection import Shard, seconds
from kuflow_conformance.target import target_file
from kuflow_conformance.target.target_file import SkipEntry, Target

DEFAULT_SEED = 20240614
DEFAULT_REPORTS = Path("reports/out")


class Settings(BaseModel):
    """The settings of a run. They can be written as JSON, for processes that take part in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    target: Path | None = None
    """The target file; None when flags say everything."""
    keys: dict[str, Any] = {}
    """Keys of the target file that flags set, such as ``http.rate-limit``."""
    spec: str | None = None
    """Another description to test against: a file or URL."""
    profile: Profile = "core"
    only: tuple[str, ...] = ()
    """Requirements, prefixes, areas or operations, or patterns of them; all when empty."""
    skip: tuple[SkipEntry, ...] = ()
    """What is left out, beside what the target file says."""
    requirements: str | None = None
    """The version of the suite whose requirements are scored, such as ``0.1``; None for all there are."""
    require: tuple[str, ...] = ()
    """What has to be tested for a verdict, beside what the target file says: a share such as ``95%``, or names."""
    seed: int = DEFAULT_SEED
    reports: Path = DEFAULT_REPORTS
    known: Path | None = None
    """The file of known failures; None for the one beside the target file."""
    fail_fast: bool = False
    """Whether the first failure ends the run, so that it had better come early."""
    last_failed: bool = False
    """Whether only the tests that failed in the last run are made."""
    changed_spec: str | None = None
    """An earlier description: what is described otherwise since is tested first."""
    shard: Shard | None = None
    """Which part of the tests to make; None means all."""
    time_budget: float | None = None
    """Seconds that the run may take; None means as long as it does."""
    write_to_production: bool = False
    write_trace: bool = False
    """Whether every exchange is written for a comparison with another server."""
    har: Path | None = None
    """Where all exchanges are written as a HAR file."""
    ndjson: Path | None = None
    """Where all exchanges are written as lines of JSON."""
    record_only: bool = False
    """Whether no Allure results are wanted."""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Settings:
        """The settings that options of a command line, click's or pytest's, give. Raises ConformanceError."""
        given = {name: options[name] for name in cls.model_fields if name in options}
        given["skip"] = tuple(target_file.parse_skip(text) for text in options.get("skip") or ())
        given["keys"] = target_file.keys_of(options)
        given["shard"] = Shard.parse(given["shard"]) if given.get("shard") else None
        given["time_budget"] = seconds(given["time_budget"]) if given.get("time_budget") else None
        return cls(**given)

    def read_target(self) -> Target:
        """The target. Raises InvalidTarget."""
        return target_file.load(self.target, self.keys)
