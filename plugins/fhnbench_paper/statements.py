"""What the paper says: every claim, figure and number of it, in its words and its order."""
# ruff: noqa: RUF001 - as printed

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of Werneck et al.

    Parameters
    ----------
    title
        What it is about, for tables.
    section
        Where it stands.
    words
        The paper's words, ``[...]`` where some are left out.
    """

    title: str
    section: str
    words: str


SPEED_UP = Statement(
    "Speed-up of up to 1.8 with TensorRT",
    "abstract",
    "Inference accelerated with NVIDIA TensorRT achieves up to 1.8× speedup over optimized CUDA solvers with minimal "
    "accuracy degradation.",
)
OUTLOOK = Statement(
    "The potential of networks as emulators",
    "abstract",
    "These results demonstrate the potential of neural networks as scalable, differentiable emulators for "
    "reduced-order electrophysiology models, enabling their integration into real-time, AI-accelerated digital twin "
    "frameworks for clinical and research applications.",
)
LESS_DATA = Statement(
    "PINNs need fewer data",
    "section 1",
    "Physics-Informed Neural Networks (PINNs) further enhance this by embedding physical laws into training, reducing "
    "data dependency and ensuring accuracy [6].",
)
HORIZON = Statement(
    "100,000 samples over 50 time units",
    "section 2",
    "[...] inference time and validation error are measured for solving 100,000 different samples over 50 ms.",
)
TRUTH = Statement(
    "Euler's method with 0.01 as the truth",
    "section 2",
    "This model is used to generate separate training/validation datasets to train the surrogates using a numerical "
    "solution via the Euler method (= 0.01 ms), evenly exploring the parameter space.",
)
BASELINE = Statement(
    "A highly optimised baseline",
    "section 2",
    "After training, surrogate speeds are benchmarked against a highly optimized GPU implementation of the Euler "
    "solver [...] on the same hardware (RTX 4070 GPU, Intel i5-12400F CPU).",
)
EULER_STEP = Statement(
    "Euler's largest step below 1e-2 is 0.1",
    "section 2",
    "[...] a highly optimized GPU implementation of the Euler solver using Δt = 0.1 ms, the highest possible time step "
    "size for the error to be less than 10^-2 [...]",
)
TRAINING_SAMPLES = Statement(
    "1,000, 10,000 and 100,000 training samples",
    "section 2",
    "Training is done with 1000, 10000, and 100000 samples for each problem respectively [...]",
)
CANDIDATES = Statement(
    "800 candidates, evenly over sizes and shapes",
    "section 2",
    "Every possible architecture is mapped and a set of 800 candidates is selected to evenly represent various model "
    "sizes and shapes.",
)
LOSS_WEIGHTS = Statement(
    "Weights of the PINN's loss: 1, 1, 100",
    "section 2",
    "We use weight 1 for data and the PINN interior constraint, and weight 100 for the boundary.",
)
OPTIMISER = Statement(
    "Adam at 1e-3, reduced on plateaus",
    "section 2",
    "All models are trained with the Adam optimizer (initial learning rate 1 × 10^-3, reduce-on-plateau schedule).",
)
LARGER_STEPS = Statement(
    "Larger steps are faster and harder to learn",
    "section 2",
    "While larger time-steps (Δt) accelerate inference, they require the network to model more complex transitions; "
    "conversely, smaller Δt values simplify individual steps at the cost of increased iterations.",
)
PASSES = Statement(
    "One pass for each time unit",
    "section 2",
    "For a fair benchmark, we sample the PINNs and DDNNs networks once per time unit (i.e., Δt = 1) and we use the "
    "same interval for the iterative network discrete step, allowing for the same number of network passes per "
    "solution.",
)
LEARNT = Statement(
    "All three families have good surrogates",
    "section 3",
    "In general, after optimization, all three approaches employed, DDNNs, PINNs, and ITNNs, yielded at least some "
    "good surrogates where NNs managed to learn almost the entire solution space, [...]",
)
CONCENTRATION = Statement(
    "Errors lie near bifurcation points",
    "section 3",
    "[...] with only minor error regions concentrated around bifurcation points, as shown in Figure 1.",
)
PINN_JUSTIFIED = Statement(
    "PINNs pay only where data are scarce",
    "section 3",
    "PINNs were only justifiable in data-scarce scenarios, outperforming DDNNs when data is insufficient but providing "
    "no positive effect when data is sufficient; [...]",
)
ITNN_OPTIMISATION = Statement(
    "ITNNs diverge unless optimised",
    "section 3",
    "ITNNs performed worse than the continuous models, especially in stiff parts of the solutions, requiring extensive "
    "optimization to produce models where successive iterations did not diverge; [...]",
)
FIGURE_1 = Statement(
    "Figure 1: truth, prediction and error",
    "figure 1",
    "Example of NN accuracy: true solution (left) emulator prediction (center) solutions, and error(right) for a "
    "random surrogate of Problem B.",
)
FIGURE_2 = Statement(
    "Figure 2: error by shape and size",
    "figure 2",
    "MAE for 800 models trained for Problems A (top) and C (bottom), grouped by architecture shape and neuron count "
    "(x axis).",
)
FIGURE_3 = Statement(
    "Figure 3: error against time",
    "figure 3",
    "Model error vs. inference speed (time to evaluate 100,000 samples in seconds) for models across problems. Euler "
    "results shown dashed.",
)
DDNN_BEST = Statement(
    "DDNNs are the most accurate, with much data",
    "section 3",
    "[...] while purely data-driven models (DDNNs) had the best accuracy results, they required large training sets.",
)
PINN_GAIN = Statement(
    "PINNs up to 100 times better on scarce data",
    "section 3",
    "PINNs only improved surrogate accuracy when the training data was insufficient to describe the solution well, "
    "where the data-driven constraints stagnate with the model far from the actual solution (mean error larger than "
    "0.1). Further optimizing the physics constraint then pushes the model much closer to the true solution, "
    "decreasing the error by up to a 100× factor.",
)
ABUNDANCE = Statement(
    "Physics is redundant where data abound",
    "section 3",
    "However, when abundant data is available, both models converge similarly, rendering the physics constraint "
    "redundant.",
)
TRAINING_COST = Statement(
    "PINNs take twice the time to train",
    "section 3",
    "[...] increasing computational cost per training iteration due to additional derivative computations (we observed "
    "an increase in training time of around 2×) [...]",
)
CONVERGENCE = Statement(
    "Physics slows convergence",
    "section 3",
    "[...] and slowing convergence by introducing a more complex and difficult-to-optimize loss landscape [8, 9], "
    "resulting in less efficient training.",
)
SIMULATE_INSTEAD = Statement(
    "More data are better than physics",
    "section 3",
    "Thus, it follows that it is more beneficial to run the numerical simulation enough times to produce a complete "
    "training set than to directly incorporate the ODEs into training.",
)
POINTS = Statement(
    "Problem A takes about 100 points",
    "section 3",
    "The amount of data required for this effect varies: about 100 points are sufficient for the one-dimensional "
    "Problem A, but depending on the range of the additional parameters, this increases proportionally.",
)
ITNN_WORSE = Statement(
    "ITNNs are worse than continuous models", "section 3", "ITNNs generally perform worse than continuous models."
)
SHIFT = Statement(
    "Failure mode I: a growing shift in time",
    "section 3",
    "While they can achieve low single-iteration errors, recurrent evaluation often leads to two failure modes (Fig. "
    "4): (I) small errors accumulate over iterations, causing a temporal shift from the true solution, [...]",
)
EQUILIBRIUM = Statement(
    "Failure mode II: false equilibria",
    "section 3",
    "[...] recurrent evaluation often leads to two failure modes (Fig. 4): [...] and (II) high errors or "
    "parameter-space anomalies push the model into unstable equilibria.",
)
FEW_AVOID = Statement(
    "Few ITNNs avoid the failures",
    "section 3",
    "Even with added data for high-error regions, few surrogates avoided these issues, [...]",
)
NO_SIZE = Statement(
    "Their success does not depend on size",
    "section 3",
    "[...] and successful time-series solutions were not consistently linked to surrogate size.",
)
DATA_COST = Statement(
    "Data cost less than physics does",
    "section 3",
    "The cost associated with generating a larger set is offset by the better performance of DDNNs and the lower "
    "training time relative to PINNs.",
)
ROBUST = Statement(
    "DDNNs are more robust than ITNNs",
    "section 3",
    "Compared to ITNNs, they are simply more robust, yielding sufficiently accurate solutions in most cases, while "
    "retaining the key differentiability attribute.",
)
FIGURE_4 = Statement(
    "Figure 4: the failure modes of ITNNs",
    "figure 4",
    "Failure modes of ITNN models: unstable equilibrium (left) and growing temporal shift (right). Numerical solution "
    "shown dashed.",
)
SATURATION = Statement(
    "Size limits accuracy only up to a point",
    "section 3",
    "[...] with architecture size limiting accuracy only up to a certain point that changes depending on problem "
    "complexity. Increasing surrogate size beyond that point has little effect, [...]",
)
SPREAD = Statement(
    "Up to 10 times variation at equal size",
    "section 3",
    "Surrogate accuracy varied greatly, even for models with the same neuron count and number of layers as shown in "
    "Figure 2, [...] and up to 10× variation in accuracy is observed for same-size architectures, [...]",
)
NO_ADVANTAGE = Statement(
    "No activation or shape is best throughout",
    "section 3",
    "[...] with no single activation function sequence or shape achieving consistent advantage.",
)
CHOICE = Statement(
    "Optimising architectures is crucial",
    "section 3",
    "Thus, model optimization played a crucial role in identifying efficient models.",
)
MOST_SLOWER = Statement(
    "Most models are slower than the solver",
    "section 3",
    "Systematic evaluation of architectures reveals that most models are slower than numerical schemes, [...]",
)
NEURONS_LEAD = Statement(
    "Neurons, not layers, make the time",
    "section 3",
    "[...] with inference speed primarily influenced by neuron count rather than by the number of layers, [...]",
)
USEFUL_SIZE = Statement(
    "Two or three layers, up to 256 neurons",
    "section 3",
    "[...] constraining effective surrogates to two- or three-layer models with up to 256 neurons.",
)
LARGER_VARY_LESS = Statement(
    "Larger models vary less",
    "section 3",
    "[...] larger models exhibit lower accuracy variance and benefit less from architecture optimization.",
)
SHAPE_F = Statement(
    "F of shape: 19.6 small, 4.00 large",
    "section 3",
    "Statistical analysis shows that for smaller models (< 120 neurons), architecture shape significantly affects "
    "performance, as indicated by higher F-values (19.6 vs. 4.00 for larger models).",
)
SIZE_F = Statement(
    "F of size: 42.8 small, 34.5 large",
    "section 3",
    "However, this influence diminishes with increasing model size, where neuron count becomes dominant (F-values of "
    "42.8 and 34.5 for small and large models, respectively).",
)
VARIANCES = Statement(
    "Variance between groups against within",
    "section 3",
    "Variance analysis supports this trend: smaller models exhibit higher extra-group variance in mean error "
    "(1.46×10^-5 vs. 1.06×10^-6), while larger models see converging variances (3.17×10^-7 vs. 2.08×10^-7).",
)
ACTIVATIONS = Statement(
    "Choosing activations pays most",
    "section 3",
    "Thus, optimization efforts are better spent focusing on activation function choice.",
)
DDNN_OUTPERFORMS = Statement(
    "DDNNs outperform PINNs and ITNNs mostly",
    "section 4",
    "DDNNs excel in data-rich scenarios, demonstrating robustness and lower training costs, outperforming PINNs and "
    "ITNNs in most cases.",
)
ACCUMULATION = Statement(
    "Errors of ITNNs grow over time",
    "section 4",
    "ITNNs often struggle with error accumulation, particularly in long-term predictions, [...]",
)
SMALL_FAIL = Statement(
    "Small models fail on B and C",
    "section 4",
    "As shown in Figure 3, small, accurate models work well for simpler problems but fail as complexity increases, "
    "particularly for Problems B and C.",
)
A_TO_B = Statement(
    "A to B is harder than B to C",
    "section 4",
    "The shift from Problem A to B, which introduces initial condition parameterization, presents more challenges than "
    "the shift from B to C, which adds a model parameter. This suggests that learning variations in features (e.g., "
    "wave shape, length) is easier than capturing shifted solutions.",
)
DESIGN_MATTERS = Statement(
    "Size and activations matter, most if small",
    "section 4",
    "Additionally, architectural design, such as neuron count and activation functions, significantly influences "
    "accuracy, especially in smaller models.",
)
SURPASS = Statement(
    "Small networks surpass solvers in speed",
    "section 4",
    "With hardware acceleration provided by TensorRT, these smaller neural network surrogates can even surpass "
    "numerical solvers in speed while remaining differentiable.",
)
