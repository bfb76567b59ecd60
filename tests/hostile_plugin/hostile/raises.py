"""A plugin that raises on import."""

raise RuntimeError("this plugin raises on import\nand its message has a second line")
