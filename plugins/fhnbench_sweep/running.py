"""Running a sweep: its jobs here or on Dask's workers, each batch kept as soon as it ends."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import msgspec

from fhnbench import FhnbenchError, Unavailable
from fhnbench_sweep.batches import batched, cost
from fhnbench_sweep.outcome import Outcome
from fhnbench_sweep.training import Job, train_batch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from fhnbench_sweep.plan import Candidate
    from fhnbench_sweep.settings import Settings
    from fhnbench_sweep.store import Store

_CONNECT_S = 10
"""Time for a scheduler at an address to answer, in seconds."""

_START_S = 300
"""The same for one that was started here, which is there, however busy the machine."""

Result = tuple[bytes, dict[str, "NDArray[Any]"]]


def jobs_of(
    candidates: Sequence[Candidate],
    settings: Settings,
    families: Sequence[str],
    seed: int,
    done: set[Any],
    **where: Any,
) -> list[Job]:
    """Return the jobs that are left, the most expensive first.

    Parameters
    ----------
    candidates
        What is to be trained.
    settings, families, seed
        How.
    done
        Keys of what has an outcome.
    where
        Device and threads of a job.
    """
    jobs = []
    for family in families:
        recipe = settings.recipes[family]
        left = [one for one in candidates if (family, one.name, seed) not in done]
        for batch in batched(left, recipe.batch):
            named = tuple((one.name, one.hidden, one.activations) for one in batch)
            asked = Job(
                name=f"{family}-{batch[0].name}-{len(batch)}-{seed}", problem=settings.problem, family=family,
                candidates=named, recipe=recipe, seed=seed, test_samples=settings.test_samples, **where,
            )  # fmt: skip
            jobs.append(asked)
    return jobs


def run_jobs(
    jobs: Sequence[Job],
    store: Store,
    report: Callable[[str, float], None],
    results: Callable[[Sequence[bytes]], Iterable[Result]],
) -> None:
    """Train all jobs and keep what each gives.

    Parameters
    ----------
    jobs
        What to train.
    store
        Where outcomes go.
    report
        Called with what was done and the fraction.
    results
        Trains jobs, in any order.
    """
    costs = {job.name: float(sum(cost(hidden) for _, hidden, _ in job.candidates) * job.recipe.steps) for job in jobs}
    total, spent, count = sum(costs.values()), 0.0, 0
    networks = sum(len(job.candidates) for job in jobs)
    report(f"0 of {networks} networks", 0.0)
    for content, weights in results([msgspec.json.encode(job) for job in jobs]):
        outcomes = msgspec.json.decode(content, type=list[Outcome])
        store.add(outcomes, weights)
        spent += costs[outcomes[0].batch]
        count += len(outcomes)
        report(f"{count} of {networks} networks", spent / total)


def here(jobs: Sequence[bytes]) -> Iterator[Result]:
    """Train jobs one after another in this process."""
    return map(train_batch, jobs)


def on_dask(jobs: Sequence[bytes], *, workers: int = 0, scheduler: str = "") -> Iterator[Result]:
    """Train jobs on the workers of a Dask cluster; what a lost worker had is trained elsewhere.

    Parameters
    ----------
    jobs
        What to train.
    workers
        Processes of a cluster on this machine.
    scheduler
        Address of a scheduler to use in its place.

    Raises
    ------
    Unavailable
        If Dask is missing, or nothing answers at the address.
    FhnbenchError
        If a batch was lost with several workers in a row.
    """
    try:
        from distributed import Client, KilledWorker, LocalCluster, as_completed
    except ImportError:
        raise Unavailable("--workers and --scheduler need Dask: pip install 'fhnbench[sweep]'") from None
    with ExitStack() as stack:
        if scheduler:
            address: Any = scheduler
        else:
            address = stack.enter_context(
                LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0")
            )
        try:
            client = stack.enter_context(Client(address, timeout=_CONNECT_S if scheduler else _START_S))
        except (OSError, ValueError) as error:
            raise Unavailable(f"no Dask scheduler at {scheduler}: {error}") from None
        # Earlier jobs, which are the larger ones, come first.
        futures = [client.submit(train_batch, job, priority=-number, pure=False) for number, job in enumerate(jobs)]
        try:
            for future in as_completed(futures):
                yield future.result()
                future.release()
        except KilledWorker as error:
            raise FhnbenchError(
                f"a batch was lost with several workers in a row: {error}; run the command again"
            ) from None
