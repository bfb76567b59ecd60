// A network on tensor cores, in float16 or bfloat16 with sums in float32: a warp takes its samples, 16 in a tile, from
// the initial states to the horizon. Nothing but inputs, weights and trajectories is read or written.
//
// Samples are rows, neurons columns. A tile of sums, 16 x 8, is held by the lanes of a warp just as the next product
// wants its left factor, 16 x 8: lane 4 g + q has rows g and g + 8, columns 2 q and 2 q + 1 (network_fragments.cuh).
// So the activations of a layer, rounded and packed, are the next layer's input where they are: a `slice`. The input of
// the first layer is one slice: lanes with q = 0 give u and w, those with q = 1 i_app and t; those with q = 2 and 3 give
// what rounding took from them, with the same weights, so that inputs count to twice the precision. Where a pass has
// one save point, the columns of the last tile repeat u and w, so that all lanes know the states of their rows.

#include "network_activations.cuh"
#include "network_fragments.cuh"

NETWORKS

constexpr int warp_size = 32, warps = 4;

template <class Network>
__host__ __device__ constexpr int slices(int layer) {  // tiles of 8 neurons
    return layer == 0 ? 1 : (Network::width(layer) + 7) / 8;
}

// A layer's parameters, in words of 32 bits: 8 biases a tile; then, tile by tile, the right factors of its products: for
// each pair of slices two words for each lane, and for a slice that is left one. After the last layer come scales and
// shifts of the outputs, and those of the inputs.
template <class Network>
__host__ __device__ constexpr int place(int layer) {
    int next = 0;
    for (int i = 1; i < layer; ++i) next += slices<Network>(i) * (8 + 32 * slices<Network>(i - 1));
    return next;
}

// The parameters of a layer that a lane uses, from memory at each use or once for all passes.
template <class Network, int layer, bool resident>
struct Layer;

template <class Network, int layer>
struct Layer<Network, layer, false> {
    static constexpr int tiles = slices<Network>(layer), depth = slices<Network>(layer - 1);
    const unsigned* words;

    __device__ __forceinline__ explicit Layer(const unsigned* parameters)
        : words(parameters + place<Network>(layer)) {}
    __device__ __forceinline__ float2 bias(int tile) const {
        return reinterpret_cast<const float2*>(words)[4 * tile + threadIdx.x % 4];
    }
    __device__ __forceinline__ uint2 factors(int tile, int pair) const {
        const unsigned* const begin = words + 8 * tiles + warp_size * tile * depth;
        return reinterpret_cast<const uint2*>(begin)[warp_size * pair + threadIdx.x % warp_size];
    }
    __device__ __forceinline__ unsigned last_factor(int tile) const {
        return words[8 * tiles + warp_size * (tile * depth + depth - 1) + threadIdx.x % warp_size];
    }
};

template <class Network, int layer>
struct Layer<Network, layer, true> {
    static constexpr int tiles = slices<Network>(layer), depth = slices<Network>(layer - 1);
    float2 biases[tiles];
    uint2 pairs[tiles][(depth + 1) / 2];
    unsigned left[tiles];

    __device__ __forceinline__ explicit Layer(const unsigned* parameters) {
        const Layer<Network, layer, false> source(parameters);
#pragma unroll
        for (int tile = 0; tile < tiles; ++tile) {
            biases[tile] = source.bias(tile);
            if constexpr (depth % 2 == 1) left[tile] = source.last_factor(tile);
#pragma unroll
            for (int pair = 0; pair < depth / 2; ++pair) pairs[tile][pair] = source.factors(tile, pair);
        }
    }
    __device__ __forceinline__ float2 bias(int tile) const { return biases[tile]; }
    __device__ __forceinline__ uint2 factors(int tile, int pair) const { return pairs[tile][pair]; }
    __device__ __forceinline__ unsigned last_factor(int tile) const { return left[tile]; }
};

template <class Network, int layer>
struct Layers : Layers<Network, layer - 1> {
    Layer<Network, layer, Network::resident> own;
    __device__ __forceinline__ explicit Layers(const unsigned* parameters)
        : Layers<Network, layer - 1>(parameters), own(parameters) {}
};
template <class Network>
struct Layers<Network, 0> {
    __device__ __forceinline__ explicit Layers(const unsigned*) {}
};

// One tile of a layer's sums for each row tile.
template <class Network, int layer>
__device__ __forceinline__ void multiply(const Layer<Network, layer, Network::resident>& own, int tile,
                                         const unsigned (&inputs)[Network::rows][slices<Network>(layer - 1)][2],
                                         float (&sums)[Network::rows][4]) {
    constexpr int depth = slices<Network>(layer - 1);
    const float2 bias = own.bias(tile);
#pragma unroll
    for (int row = 0; row < Network::rows; ++row) {
        sums[row][0] = sums[row][2] = bias.x;
        sums[row][1] = sums[row][3] = bias.y;
    }
#pragma unroll
    for (int pair = 0; pair < depth / 2; ++pair) {
        const uint2 factors = own.factors(tile, pair);
#pragma unroll
        for (int row = 0; row < Network::rows; ++row)
            multiply_16<Network::half>(sums[row], inputs[row][2 * pair], inputs[row][2 * pair + 1], factors.x,
                                       factors.y);
    }
    if constexpr (depth % 2 == 1) {
        const unsigned factor = own.last_factor(tile);
#pragma unroll
        for (int row = 0; row < Network::rows; ++row)
            multiply_8<Network::half>(sums[row], inputs[row][depth - 1], factor);
    }
#pragma unroll
    for (int row = 0; row < Network::rows; ++row)
#pragma unroll
        for (int k = 0; k < 4; ++k) sums[row][k] = activate_approx<Network::activation(layer)>(sums[row][k]);
}

// The slices that layer `layer`, the last one but one, hands to the last.
template <class Network, int layer>
__device__ __forceinline__ void hidden(const Layers<Network, Network::layers>& all,
                                       const unsigned (&inputs)[Network::rows][slices<Network>(layer - 1)][2],
                                       unsigned (&last)[Network::rows][slices<Network>(Network::layers - 1)][2]) {
    constexpr int rows = Network::rows, tiles = slices<Network>(layer);
    unsigned values[rows][tiles][2];
#pragma unroll
    for (int tile = 0; tile < tiles; ++tile) {
        float sums[rows][4];
        multiply<Network, layer>(static_cast<const Layers<Network, layer>&>(all).own, tile, inputs, sums);
#pragma unroll
        for (int row = 0; row < rows; ++row) {
            values[row][tile][0] = pack<Network::half>(sums[row][0], sums[row][1]);
            values[row][tile][1] = pack<Network::half>(sums[row][2], sums[row][3]);
        }
    }
    if constexpr (layer + 1 < Network::layers) {
        hidden<Network, layer + 1>(all, values, last);
    } else {
#pragma unroll
        for (int row = 0; row < rows; ++row)
#pragma unroll
            for (int tile = 0; tile < tiles; ++tile)
#pragma unroll
                for (int k = 0; k < 2; ++k) last[row][tile][k] = values[row][tile][k];
    }
}

template <class Network>
__global__ void __launch_bounds__(warps* warp_size)
evaluate(const unsigned* __restrict__ parameters, const float* __restrict__ times, const float* __restrict__ u0,
         const float* __restrict__ w0, const float* __restrict__ i_app, float* __restrict__ states, unsigned size,
         unsigned save_points) {
    constexpr int rows = Network::rows, layers = Network::layers;
    constexpr int tiles = slices<Network>(layers), depth = slices<Network>(layers - 1);
    const int lane = threadIdx.x % warp_size, g = lane / 4, q = lane % 4;
    const unsigned first = (blockIdx.x * warps + threadIdx.x / warp_size) * (16 * rows);
    if (first >= size) return;  // a whole warp

    const Layers<Network, layers> kept(parameters);
    const float2* const outer = reinterpret_cast<const float2*>(parameters + place<Network>(layers + 1));
    const float2 input_scale = outer[8 * tiles + q], input_shift = outer[8 * tiles + 4 + q];
    const bool current_and_time = q % 2 == 1;
    const float rounded_part = q < 2 ? 0.0f : -1.0f;

    // Rows g and g + 8 of each tile; samples beyond the last are computed as the last one is, and not stored.
    float u[rows][2], w[rows][2], current[rows][2];
#pragma unroll
    for (int row = 0; row < rows; ++row)
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            const unsigned own = first + 16 * row + 8 * half + g;
            const unsigned sample = own < size ? own : size - 1;
            u[row][half] = u0[sample];
            w[row][half] = w0[sample];
            current[row][half] = i_app[sample];
        }

    // Each lane stores one number of a tile's states of a save point: u (q < 2) or w, of row g (q even) or g + 8.
    const unsigned stored = first + g + 8 * (q % 2);
    float* at = states + static_cast<size_t>(q / 2) * size + stored;
    const auto store = [&](const float(&of_u)[2], const float(&of_w)[2], int row) {
        const float value = q < 2 ? (q == 0 ? of_u[0] : of_u[1]) : (q == 2 ? of_w[0] : of_w[1]);
        if (stored + 16 * row < size) at[16 * row] = value;
    };
#pragma unroll
    for (int row = 0; row < rows; ++row) store(u[row], w[row], row);

#pragma unroll 1
    for (unsigned point = 1; point < save_points; point += Network::pass_points) {
        // Weights that do not fit into registers are loaded in each pass. The offset is zero, but the compiler does not
        // know; it would hoist the loads out of the loop, and spill.
        const Layers<Network, layers> all = Network::resident ? kept : Layers<Network, layers>(parameters + (point >> 31));
        float time = 0.0f;
        if constexpr (Network::direct) time = times[point];
        unsigned inputs[rows][1][2];
#pragma unroll
        for (int row = 0; row < rows; ++row)
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                const float x = fmaf(current_and_time ? current[row][half] : u[row][half], input_scale.x, input_shift.x);
                const float y = fmaf(current_and_time ? time : w[row][half], input_scale.y, input_shift.y);
                const float2 rounded = unpack<Network::half>(pack<Network::half>(x, y));
                inputs[row][0][half] = pack<Network::half>(fmaf(rounded_part, rounded.x, x),
                                                           fmaf(rounded_part, rounded.y, y));
            }
        unsigned values[rows][depth][2];
        if constexpr (layers > 1) {
            hidden<Network, 1>(all, inputs, values);
        } else {
#pragma unroll
            for (int row = 0; row < rows; ++row)
#pragma unroll
                for (int k = 0; k < 2; ++k) values[row][0][k] = inputs[row][0][k];
        }

        float next_u[rows][2], next_w[rows][2];
#pragma unroll
        for (int tile = 0; tile < tiles; ++tile) {
            float sums[rows][4];
            multiply<Network, layers>(all.own, tile, values, sums);
            const float2 scale = outer[4 * tile + q], shift = outer[4 * (tiles + tile) + q];
#pragma unroll
            for (int row = 0; row < rows; ++row)
#pragma unroll
                for (int half = 0; half < 2; ++half) {
                    float new_u = sums[row][2 * half], new_w = sums[row][2 * half + 1];
                    if constexpr (Network::rescaled) {
                        new_u = fmaf(new_u, scale.x, shift.x);
                        new_w = fmaf(new_w, scale.y, shift.y);
                    }
                    if constexpr (Network::increments) {
                        new_u += u[row][half];
                        new_w += w[row][half];
                    }
                    if constexpr (Network::pass_points > 1) {
                        // Lanes have the save points of their columns.
                        const unsigned offset = 4 * tile + q, sample = first + 16 * row + 8 * half + g;
                        if (offset < Network::pass_points && point + offset < save_points && sample < size) {
                            float* const saved = states + 2 * static_cast<size_t>(point + offset) * size + sample;
                            saved[0] = new_u;
                            saved[size] = new_w;
                        }
                        constexpr int end = Network::pass_points - 1;
                        if (tile == end / 4) {
                            next_u[row][half] = from_lane(new_u, 4 * g + end % 4);
                            next_w[row][half] = from_lane(new_w, 4 * g + end % 4);
                        }
                    } else {
                        next_u[row][half] = new_u;
                        next_w[row][half] = new_w;
                    }
                }
        }
        if constexpr (Network::pass_points == 1) {
            at += 2 * static_cast<size_t>(size);
#pragma unroll
            for (int row = 0; row < rows; ++row) store(next_u[row], next_w[row], row);
        }
        if constexpr (!Network::direct) {
#pragma unroll
            for (int row = 0; row < rows; ++row)
#pragma unroll
                for (int half = 0; half < 2; ++half) {
                    u[row][half] = next_u[row][half];
                    w[row][half] = next_w[row][half];
                }
        }
    }
}
