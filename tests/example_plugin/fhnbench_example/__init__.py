"""A solver and a runtime for fhnbench, as a third party writes them."""
