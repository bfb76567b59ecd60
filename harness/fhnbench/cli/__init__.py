"""The commands of `fhnbench`, one module each, with a click command named `command`; found by their names.

Modules whose names begin with an underscore hold what several commands share.
"""
