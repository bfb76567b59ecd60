// What the tensor cores of a GPU can do at most, by mma.sync.

#include "network_fragments.cuh"

constexpr int chains = 8;

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
