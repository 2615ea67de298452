"""What the terminal shows while a run goes on."""

from __future__ import annotations

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class ProgressReporter:
    """Takes the place of pytest's terminal reporter: a bar on a terminal, silence elsewhere."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("[dim]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("preparing", total=None)
        self._failed = 0

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        reporter = config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            config.pluginmanager.unregister(reporter)

    def pytest_sessionstart(self) -> None:
        self._progress.start()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._expect(len(session.items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: object, ids: list[str]) -> None:
        self._expect(len(ids))

    def _expect(self, total: int) -> None:
        if total:
            self._progress.update(self._task, total=total, description="testing")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and report.when == "call":
            self._failed += 1
        if report.when == "teardown":
            broken = f" [red]{self._failed} broken[/]" if self._failed else ""
            self._progress.update(self._task, advance=1, description=f"testing{broken}")

    def pytest_sessionfinish(self) -> None:
        self._progress.stop()
