"""What this plugin declares."""

from fhnbench import SolverSpec, hookimpl

FHNBENCH_API = 1


def _peer(name: str, target: str, summary: str, *requires: str) -> SolverSpec:
    extra = "peers" if requires else None
    return SolverSpec(name, f"fhnbench_peers.{target}", summary, requires=requires, extra=extra, named_only=True)


@hookimpl
def fhnbench_solvers() -> list[SolverSpec]:
    """Declare the peers."""
    return [
        _peer("euler-numpy", "numpy_solvers:Euler", "forward Euler, whole-array steps in NumPy"),
        _peer("heun-numpy", "numpy_solvers:Heun", "Heun of order 2, whole-array steps in NumPy"),
        _peer("rk4-numpy", "numpy_solvers:RungeKutta4", "Runge-Kutta of order 4, whole-array steps in NumPy"),
        _peer("euler-numba", "numba_solvers:Euler", "forward Euler in Numba, one sample at a time"),
        _peer("euler-jax", "jax_solvers:Euler", "forward Euler in JAX, scan and jit", "jax"),
        _peer("heun-jax", "jax_solvers:Heun", "Heun of order 2 in JAX, scan and jit", "jax"),
        _peer("rk4-jax", "jax_solvers:RungeKutta4", "Runge-Kutta of order 4 in JAX, scan and jit", "jax"),
        _peer("euler-diffrax", "diffrax_solvers:Euler", "forward Euler of diffrax, jit and vmap", "diffrax"),
        _peer("heun-diffrax", "diffrax_solvers:Heun", "Heun of order 2 of diffrax, jit and vmap", "diffrax"),
        _peer("tsit5-diffrax", "diffrax_solvers:Tsit5", "Tsit5 of diffrax, adaptive, jit and vmap", "diffrax"),
        _peer("euler-torch", "torch_solvers:Euler", "forward Euler on torch tensors", "torch"),
        _peer("heun-torch", "torch_solvers:Heun", "Heun of order 2 on torch tensors", "torch"),
        _peer("rk4-torch", "torch_solvers:RungeKutta4", "Runge-Kutta of order 4 on torch tensors", "torch"),
        _peer("euler-torchdiffeq", "torchdiffeq_solvers:Euler", "forward Euler of torchdiffeq", "torchdiffeq"),
        _peer("dopri5-torchdiffeq", "torchdiffeq_solvers:DormandPrince", "dopri5 of torchdiffeq", "torchdiffeq"),
        _peer("euler-torchode", "torchode_solvers:Euler", "forward Euler of torchode", "torchode"),
        _peer("tsit5-torchode", "torchode_solvers:Tsit5", "Tsit5 of torchode, adaptive", "torchode"),
        _peer("euler-warp", "warp_solvers:Euler", "forward Euler in NVIDIA Warp, a thread a trajectory", "warp"),
        _peer("heun-warp", "warp_solvers:Heun", "Heun of order 2 in NVIDIA Warp, a thread a trajectory", "warp"),
        _peer("rk4-warp", "warp_solvers:RungeKutta4", "Runge-Kutta of order 4 in NVIDIA Warp", "warp"),
        _peer("dop853-scipy", "scipy_solvers:Dop853", "DOP853 of SciPy on the ensemble as one state"),
        _peer("cvode-myokit", "myokit_solvers:Cvode", "CVODES by Myokit, one sample after the other", "myokit"),
        _peer("lsoda-scipy", "scipy_solvers:Lsoda", "LSODA of SciPy, one sample after the other"),
    ]
