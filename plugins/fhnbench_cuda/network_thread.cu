// A network whose weights are constants of the machine code: a thread takes a sample from the initial state to the
// horizon, and everything it computes stays in registers.
//
// A multiply-add holds its weight as an immediate operand, so nothing is loaded but the inputs. NETWORKS defines the
// structures that kernels are instances of (network_plan.py); parameters come in the order of `place`.

#include "features.cuh"
#include "network_activations.cuh"

NETWORKS

constexpr int block_size = 128;

// Inputs that are new in each pass: t, or u and w where it begins. The others: u, w, i_app, or i_app alone.
template <class Network>
__host__ __device__ constexpr int varying() {
    return Network::direct ? 1 : 2;
}
template <class Network>
__host__ __device__ constexpr int constant() {
    return Network::direct ? 3 : 1;
}

// Where the biases of a layer are; its weights follow, all neurons of the first input, then of the second. The inputs
// of the first layer that are constant come before those that vary; after the last layer come scales and shifts.
template <class Network>
__host__ __device__ constexpr int place(int layer) {
    int next = 0;
    for (int i = 1; i < layer; ++i) {
        const int inputs = i == 1 ? varying<Network>() + constant<Network>() : Network::width(i - 1);
        next += (1 + inputs) * Network::width(i);
    }
    return next;
}

// From the sums of a layer to the outputs: neuron by neuron the activation, at once used up in all sums of the next.
template <class Network, int layer>
__device__ __forceinline__ void finish(const typename Network::real (&sums)[Network::width(layer)],
                                       typename Network::real (&outputs)[Network::width(Network::layers)]) {
    using real = typename Network::real;
    constexpr int width = Network::width(layer);
    if constexpr (layer == Network::layers) {
#pragma unroll
        for (int neuron = 0; neuron < width; ++neuron) {
            outputs[neuron] = activate<Network::activation(layer)>(sums[neuron]);
            if constexpr (Network::rescaled) {
                constexpr int scales = place<Network>(layer + 1);
                outputs[neuron] = multiply_add(outputs[neuron], Network::parameter(scales + neuron),
                                               Network::parameter(scales + width + neuron));
            }
        }
    } else {
        constexpr int next_width = Network::width(layer + 1);
        constexpr int biases = place<Network>(layer + 1);
        real next[next_width];
#pragma unroll
        for (int neuron = 0; neuron < next_width; ++neuron) next[neuron] = Network::parameter(biases + neuron);
#pragma unroll
        for (int input = 0; input < width; ++input) {
            const real value = activate<Network::activation(layer)>(sums[input]);
#pragma unroll
            for (int neuron = 0; neuron < next_width; ++neuron) {
                const real weight = Network::parameter(biases + (1 + input) * next_width + neuron);
                next[neuron] = multiply_add(value, weight, next[neuron]);
            }
        }
        finish<Network, layer + 1>(next, outputs);
    }
}

// Add inputs of the first layer, the weights of which begin at `first`, to its sums.
template <class Network, int count>
__device__ __forceinline__ void add_inputs(const typename Network::real (&inputs)[count], int first,
                                           typename Network::real (&sums)[Network::width(1)]) {
#pragma unroll
    for (int input = 0; input < count; ++input)
#pragma unroll
        for (int neuron = 0; neuron < Network::width(1); ++neuron)
            sums[neuron] = multiply_add(inputs[input], Network::parameter(first + input * Network::width(1) + neuron),
                                        sums[neuron]);
}

// Evaluate a sample; `save` is called with u and w of one save point after the other, but for the first.
template <class Network, class Save>
__device__ __forceinline__ void evaluate_sample(const typename Network::real* __restrict__ times,
                                                typename Network::real u, typename Network::real w,
                                                typename Network::real current, unsigned save_points, Save save) {
    using real = typename Network::real;
    constexpr int width = Network::width(1), outputs = Network::width(Network::layers);
    real state[2] = {u, w};
    real begun[width];  // the sums of the first layer over what a trajectory keeps
#pragma unroll
    for (int neuron = 0; neuron < width; ++neuron) begun[neuron] = Network::parameter(neuron);
    if constexpr (Network::direct) {
        const real kept[3] = {u, w, current};
        add_inputs<Network, 3>(kept, width, begun);
    } else {
        const real kept[1] = {current};
        add_inputs<Network, 1>(kept, width, begun);
    }

    constexpr int weights = (1 + constant<Network>()) * width;
#pragma unroll 1
    for (unsigned point = 1; point < save_points; point += Network::pass_points) {
        real sums[width], result[outputs];
#pragma unroll
        for (int neuron = 0; neuron < width; ++neuron) sums[neuron] = begun[neuron];
        if constexpr (Network::direct) {
            const real time[1] = {times[point]};
            add_inputs<Network, 1>(time, weights, sums);
        } else {
            add_inputs<Network, 2>(state, weights, sums);
        }
        finish<Network, 1>(sums, result);
#pragma unroll
        for (int row = 0; row < outputs; row += 2) {
#pragma unroll
            for (int k = 0; k < 2; ++k)
                if constexpr (Network::increments) result[row + k] += state[k];
            if (row == 0 || point + row / 2 < save_points) save(result[row], result[row + 1]);
        }
        if constexpr (!Network::direct) {
            state[0] = result[outputs - 2];
            state[1] = result[outputs - 1];
        }
    }
}

template <class Network>
__global__ void __launch_bounds__(block_size)
evaluate(const typename Network::real* __restrict__ times, const typename Network::real* __restrict__ u0,
         const typename Network::real* __restrict__ w0, const typename Network::real* __restrict__ i_app,
         typename Network::real* __restrict__ states, unsigned size, unsigned save_points) {
    using real = typename Network::real;
    const unsigned sample = blockIdx.x * block_size + threadIdx.x;
    if (sample >= size) return;
    real* at = states + sample;
    const auto save = [&](real u, real w) {
        at[0] = u;
        at[size] = w;
        at += 2 * static_cast<size_t>(size);
    };
    const real u = u0[sample], w = w0[sample];
    save(u, w);
    evaluate_sample<Network>(times, u, w, i_app[sample], save_points, save);
}

// As `evaluate`, but what is stored are features.
template <class Network>
__global__ void __launch_bounds__(block_size)
evaluate_features(const typename Network::real* __restrict__ times, const typename Network::real* __restrict__ u0,
                  const typename Network::real* __restrict__ w0, const typename Network::real* __restrict__ i_app,
                  typename Network::real* __restrict__ features, unsigned size, unsigned save_points,
                  typename Network::real save_interval, typename Network::real threshold) {
    using real = typename Network::real;
    const unsigned sample = blockIdx.x * block_size + threadIdx.x;
    if (sample >= size) return;
    const real u = u0[sample], w = w0[sample];
    Seen<real> seen = first_seen(u, w);
    real point = 0;
    evaluate_sample<Network>(times, u, w, i_app[sample], save_points,
                             [&](real u, real w) { see(seen, u, w, threshold, point += 1); });
    store_features(features + sample, size, seen, {1, 1, 0}, save_interval);
}
