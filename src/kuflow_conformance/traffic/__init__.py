"""Other people's requests, recorded or live, held against the same requirements.

It sends nothing of its own.
"""
