"""What tests act on: the test bed found on the target, what is made there and ended again, webhooks received.

It judges nothing.
"""
