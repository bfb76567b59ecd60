"""What the runtime needs of a structure that it can evaluate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fhnbench import Artifact


class Program(NamedTuple):
    """A structure for one type of numbers on this machine.

    Parameters
    ----------
    block_size
        Fewest samples that are evaluated.
    thread_memory
        Numbers of working memory of a thread.
    parameters
        Gives the numbers of an artifact in the order of the machine code.
    compile
        Gives the kernel, ``(numbers, inputs, states, memory, stream)``. It is compiled when it is first called, and
        found again on disk by other processes. Arrays have one type. `numbers` holds the parameters and the times of
        the save points ``[T]``; `inputs` are u0, w0 and i_app ``[N]``, with N at least the block size;
        ``states[T, 2, N]`` is filled; `memory` is ``[threads, thread_memory]``, aligned, one row for each thread;
        `stream` says that each row of `states` is aligned.
    compile_features
        Gives the kernel that fills ``features[F, N]`` in place of states, ``(numbers, inputs, features, memory,
        trajectories, collected)``: a block's states are kept in ``trajectories[threads, T, 2, block_size]`` until its
        features are collected; `collected` is the plan of `collect_features`.
    count_operations
        Gives the arithmetic instructions on a vector: those that begin a trajectory, and those of a pass.
    """

    block_size: int
    thread_memory: int
    parameters: Callable[[Artifact], NDArray[Any]]
    compile: Callable[[], Callable[..., None]]
    compile_features: Callable[[], Callable[..., None]]
    count_operations: Callable[[], tuple[int, int]]
