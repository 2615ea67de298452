"""--fail-fast and --last-failed: the next question answered in seconds."""

from conftest import command

FAULT = ("--fault", "size-1001")


def test_stop_at_the_first_failure_then_run_only_what_failed(tmp_path):
    first = command("run", *FAULT, "--fail-fast", "--only", "PAG", reports=tmp_path)
    assert first.code == 1, first.output + first.error
    assert not first.record["complete"]
    assert first.record["failed"] == ["PAG-003"]
    assert "stopped at the first failure" in first.output
    again = command("run", *FAULT, "--last-failed", reports=tmp_path)
    assert again.code == 1
    assert again.record["complete"]
    assert {test for r in again.record["requirements"] for test in r["tests"]} <= {
        test for r in first.record["requirements"] for test in r["failing_tests"]
    } | {"test bed discovery"}
    mended = command("run", "--last-failed", reports=tmp_path)
    assert mended.code == 0
    nothing = command("run", "--last-failed", reports=tmp_path)
    assert nothing.code == 2
    assert "no test failed" in nothing.error
