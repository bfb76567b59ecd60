"""The paper's findings as experiments that anyone can run again: Werneck et al., sections 2 and 3."""
