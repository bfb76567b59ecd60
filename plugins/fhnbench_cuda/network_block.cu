// A wide network: a block of threads takes its samples from the initial states to the horizon, layer after layer
// through shared memory.
//
// Values are [neuron][sample] in shared memory, in two buffers that layers use in turn. A thread sums up a tile of
// `height` neurons times `breadth` samples in registers; for each input it reads `breadth` values and `height` weights
// for height * breadth multiply-adds. Weights are [input][neuron] in global memory, the same for all blocks; lanes that
// share them read them at once, and the caches keep them.

#include "arithmetic.cuh"
#include "network_activations.cuh"

NETWORKS

// Up to 16 bytes that are moved at once.
template <class real, int count>
struct alignas(sizeof(real) * count) Vector {
    real values[count];
};

// Width of a layer, filled up with neurons that count for nothing to whole tiles. The input is u, w, i_app and t.
template <class Network>
__host__ __device__ constexpr int padded(int layer) {
    const int height = Network::height(layer);
    return layer == 0 ? 4 : (Network::width(layer) + height - 1) / height * height;
}

// Where the biases of a layer are; its weights follow, all neurons of the first input, then of the second. After the
// last layer come scales and shifts of the outputs.
template <class Network>
__host__ __device__ constexpr int place(int layer) {
    int next = 0;
    for (int i = 1; i < layer; ++i) {
        next += (1 + (i == 1 ? 4 : Network::width(i - 1))) * padded<Network>(i);
        next = (next + 7) / 8 * 8;  // so that vectors are aligned
    }
    return next;
}

template <class real, int count>
__device__ __forceinline__ void load(const real* from, real (&values)[count]) {
    constexpr int at_once = count * sizeof(real) < 16 ? count : 16 / sizeof(real);
#pragma unroll
    for (int first = 0; first < count; first += at_once) {
        const auto vector = *reinterpret_cast<const Vector<real, at_once>*>(from + first);
#pragma unroll
        for (int k = 0; k < at_once; ++k) values[first + k] = vector.values[k];
    }
}

// A layer from `before` to `after`.
template <class Network, int layer>
__device__ __forceinline__ void evaluate_layer(const typename Network::real* __restrict__ parameters,
                                               const typename Network::real* before, typename Network::real* after) {
    using real = typename Network::real;
    constexpr int samples = Network::samples, width = padded<Network>(layer);
    constexpr int inputs = layer == 1 ? 4 : Network::width(layer - 1);
    constexpr int height = Network::height(layer), breadth = Network::breadth(layer);
    // A thread's samples lie in groups of up to 16 bytes, so that neighbouring lanes read neighbouring groups.
    constexpr int group = breadth * sizeof(real) < 16 ? breadth : 16 / sizeof(real);
    constexpr int groups = breadth / group, columns = samples / breadth;
    const real* const biases = parameters + place<Network>(layer);
    const real* const weights = biases + width;
    for (int tile = threadIdx.x; tile < width / height * columns; tile += Network::threads) {
        const int neuron = tile / columns * height, sample = tile % columns * group;
        real sums[height][breadth], bias[height];
        load(biases + neuron, bias);
#pragma unroll
        for (int i = 0; i < height; ++i)
#pragma unroll
            for (int j = 0; j < breadth; ++j) sums[i][j] = bias[i];
#pragma unroll 4
        for (int input = 0; input < inputs; ++input) {
            real weight[height], value[groups][group];
            load(weights + input * width + neuron, weight);
#pragma unroll
            for (int j = 0; j < groups; ++j) load(before + input * samples + sample + j * columns * group, value[j]);
#pragma unroll
            for (int i = 0; i < height; ++i)
#pragma unroll
                for (int j = 0; j < breadth; ++j)
                    sums[i][j] = multiply_add(weight[i], value[j / group][j % group], sums[i][j]);
        }
#pragma unroll
        for (int i = 0; i < height; ++i)
#pragma unroll
            for (int j = 0; j < groups; ++j) {
                Vector<real, group> values;
#pragma unroll
                for (int k = 0; k < group; ++k)
                    values.values[k] = activate<Network::activation(layer)>(sums[i][j * group + k]);
                *reinterpret_cast<Vector<real, group>*>(after + (neuron + i) * samples + sample +
                                                        j * columns * group) = values;
            }
    }
    __syncthreads();
}

// Layers from `layer` on; the last one's values are left in the buffer that is returned.
template <class Network, int layer>
__device__ __forceinline__ const typename Network::real* evaluate_layers(
    const typename Network::real* __restrict__ parameters, const typename Network::real* before,
    typename Network::real* after, typename Network::real* spare) {
    evaluate_layer<Network, layer>(parameters, before, after);
    if constexpr (layer == Network::layers) {
        return after;
    } else {
        return evaluate_layers<Network, layer + 1>(parameters, after, spare, after);
    }
}

template <class Network>
__global__ void __launch_bounds__(Network::threads)
evaluate(const typename Network::real* __restrict__ parameters, const typename Network::real* __restrict__ times,
         const typename Network::real* __restrict__ u0, const typename Network::real* __restrict__ w0,
         const typename Network::real* __restrict__ i_app, typename Network::real* __restrict__ states, unsigned size,
         unsigned save_points) {
    using real = typename Network::real;
    constexpr int samples = Network::samples, outputs = Network::width(Network::layers);
    DYNAMIC_SHARED(shared_memory);
    real* const inputs = reinterpret_cast<real*>(shared_memory);  // [u, w, i_app, t][sample]
    real* const values = inputs + 4 * samples;
    real* const spare = values + Network::buffer * samples;
    const unsigned first = blockIdx.x * samples;

    for (int sample = threadIdx.x; sample < samples; sample += Network::threads) {
        const unsigned number = first + sample < size ? first + sample : size - 1;
        const real u = u0[number], w = w0[number];
        inputs[sample] = u;
        inputs[samples + sample] = w;
        inputs[2 * samples + sample] = i_app[number];
        inputs[3 * samples + sample] = 0;
        if (first + sample < size) {
            states[number] = u;
            states[size + number] = w;
        }
    }
#pragma unroll 1
    for (unsigned point = 1; point < save_points; point += Network::pass_points) {
        if constexpr (Network::direct)
            for (int sample = threadIdx.x; sample < samples; sample += Network::threads)
                inputs[3 * samples + sample] = times[point];
        __syncthreads();
        const real* const result = evaluate_layers<Network, 1>(parameters, inputs, values, spare);
        const real* const scales = parameters + place<Network>(Network::layers + 1);
        const auto state_of = [&](int row, int sample) {
            real state = result[row * samples + sample];
            if constexpr (Network::rescaled) state = multiply_add(state, scales[row], scales[outputs + row]);
            if constexpr (Network::increments) state += inputs[row % 2 * samples + sample];
            return state;
        };
        // Rows of the last save point come last, and one thread reads and writes what they add to.
        for (int item = threadIdx.x; item < (outputs - 2) * samples; item += Network::threads) {
            const int row = item / samples, sample = item % samples;
            if (point + row / 2 < save_points && first + sample < size)
                states[(2 * static_cast<size_t>(point) + row) * size + first + sample] = state_of(row, sample);
        }
        if constexpr (outputs > 2) __syncthreads();
        for (int item = threadIdx.x; item < 2 * samples; item += Network::threads) {
            const int row = outputs - 2 + item / samples, sample = item % samples;
            const real state = state_of(row, sample);
            if (point + row / 2 < save_points && first + sample < size)
                states[(2 * static_cast<size_t>(point) + row) * size + first + sample] = state;
            if constexpr (!Network::direct) inputs[row % 2 * samples + sample] = state;
        }
    }
}
