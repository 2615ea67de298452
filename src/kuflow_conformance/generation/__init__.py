"""Requests made from the description by Schemathesis.

It knows what can be sent, not what is right.
"""
