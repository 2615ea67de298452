"""What was found, and what it adds up to: evidence, verdicts, records, known failures, comparisons, replays.

It knows no tests, and shows nothing.
"""
