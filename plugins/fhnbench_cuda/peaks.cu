// What a GPU can do at most: multiply-adds in chains that hide their latency, and stores of whole vectors.

#include "network_fragments.cuh"

constexpr int chains = 8;

template <typename T>
__global__ void multiply_add_chains(T* sink, unsigned steps) {
    T values[chains];
#pragma unroll
    for (int k = 0; k < chains; ++k) values[k] = static_cast<T>(threadIdx.x + k);
    const T half = static_cast<T>(0.5);
#pragma unroll 16
    for (unsigned n = 0; n < steps; ++n)
#pragma unroll
        for (int k = 0; k < chains; ++k) values[k] = values[k] * half + half;
    T sum = 0;
#pragma unroll
    for (int k = 0; k < chains; ++k) sum += values[k];
    sink[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

// Products of matrices of 16 x 16 and 16 x 8 numbers of 16 bits, added up in float32, by each warp.
template <Half half>
__global__ void multiply_matrices(float* sink, unsigned steps) {
    float sums[chains][4] = {};
    const unsigned a[2] = {threadIdx.x & 1u, 0}, b = threadIdx.x & 1u;  // tiny numbers
#pragma unroll 4
    for (unsigned n = 0; n < steps; ++n)
#pragma unroll
        for (int k = 0; k < chains; ++k) multiply_16<half>(sums[k], a, a, b, b);
    float sum = 0;
#pragma unroll
    for (int k = 0; k < chains; ++k) sum += sums[k][0] + sums[k][1] + sums[k][2] + sums[k][3];
    sink[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

struct alignas(16) Vector {
    unsigned words[4];
};

__global__ void fill(Vector* memory, unsigned count, unsigned word) {
    const unsigned stride = gridDim.x * blockDim.x;
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += stride)
        memory[i] = {{word, word, word, word}};
}
