"""Statistics of times that are compared: ratios of medians, verdicts over a table, simulated clocks, power.

`fhnbench.measure.statistics` holds what a single contender needs while it is measured.
"""
