"""What a study says: statistics, times and figures from the outcomes of sweeps."""
