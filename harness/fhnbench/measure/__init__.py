"""Measuring: workers, interleaved rounds, statistics, the machine's peaks, the environment."""
