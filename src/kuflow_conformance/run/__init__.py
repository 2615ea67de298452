"""A run: settings, preparation, selection, and the pytest plugin that carries it out.

It knows no command line, and no server but by its target file.
"""
