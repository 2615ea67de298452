"""The commands: each is thin, and hands over to the room that does the work."""
