"""What shows that a reference has converged; apart from the integrator, so that reading it needs no compiler."""

from __future__ import annotations

import msgspec


class ReferenceEvidence(msgspec.Struct, frozen=True):
    """What shows that a reference has converged.

    Parameters
    ----------
    method
        Name of the integrator.
    dt
        Step of the returned states, in time units.
    mean_change, max_change
        Mean and largest absolute change of u and w, over all samples and save points, as the step is halved from
        ``2 dt`` to `dt`. They bound the error of the returned states, which by Richardson's estimate is 15 times
        smaller for a method of order 4, and so serve as the error floor of the reference.
    """

    method: str
    dt: float
    mean_change: float
    max_change: float
