"""The commands: each reads its options and hands over to the room that does the work.

They decide nothing themselves.
"""
