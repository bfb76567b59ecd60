"""The commands of `fhnbench`, one module each, with a click command named `command`; found by their names."""
