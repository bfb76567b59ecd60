"""A solver, a surrogate and a runtime for fhnbench, as a third party writes them."""
