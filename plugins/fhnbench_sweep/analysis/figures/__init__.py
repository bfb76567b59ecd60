"""The figures of a study, each a PNG."""
