"""Who is tested, and the one way to them: target file, credentials, redaction, session, exchange.

It knows no tests.
"""
