"""What differs between the documentation in the repository and the site that is built of it."""

import re
from typing import Any

TEST = re.compile(r"\[`(test_\w+)`]\(\.\./suites/([^)]+)\)")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Tests are links to their files in the repository; the site, which has no such files, names file and function."""
    return TEST.sub(r"`\2::\1`", markdown)
