// What a GPU can do at most: multiply-adds in chains that hide their latency, and stores of whole vectors.

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

struct alignas(16) Vector {
    unsigned words[4];
};

__global__ void fill(Vector* memory, unsigned count, unsigned word) {
    const unsigned stride = gridDim.x * blockDim.x;
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += stride)
        memory[i] = {{word, word, word, word}};
}
