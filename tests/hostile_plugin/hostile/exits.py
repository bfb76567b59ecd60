"""A plugin that ends the program on import."""

import sys

sys.exit("this plugin exits on import")
