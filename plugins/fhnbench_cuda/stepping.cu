// Folded Runge-Kutta steps (fhnbench/runge_kutta.py): a thread takes its samples from the initial state to the horizon.
//
// The state stays in registers; what is written are the trajectories, or features of them at the end, adjacent samples by
// adjacent threads. Coefficients are kernel parameters: a multiply-add reads one operand from the constant bank at no
// cost, so compiled kernels serve every step and every model.

#include "features.cuh"
#include "intrinsics.cuh"

constexpr int block_size = 128;
constexpr int points_in_a_row = 2;  // save points without a branch, to share what a loop costs

// A float16 in memory, for trajectories that are stored narrower than they are computed.
struct Half {
    unsigned short bits;
};

template <typename T>
__device__ __forceinline__ void store(T* where, T value) { *where = value; }
__device__ __forceinline__ void store(Half* where, float value) { where->bits = half_bits_of(value); }

// What FoldedStep.numbers gives, in its order.
template <typename T, int stages>
struct Folded {
    T u_scale, x_from_u, w_from_z, z_from_w, w_from_i, z_from_i, r_from_one, r_from_i, x_drift, z_drift;
    T coefficients[2 * stages + (stages * (stages + 1) / 2 - 1) + stages + 1];
};

// One sample's state, and what is constant for it.
template <typename T, int stages>
struct Sample {
    T x, z;
    T shifts[stages];  // r times its coefficient, for the stages after the first and for z
    T w_shift;         // w_from_i * i_app
};

// Where the coefficients of stage i (from 0) begin; row `stages` is that of the new z.
__host__ __device__ constexpr int row(int i) { return i == 0 ? 0 : 1 + 3 * (i - 1) + i * (i - 1) / 2; }

template <typename T, int stages>
__device__ __forceinline__ Sample<T, stages> begin(const Folded<T, stages>& step, T u, T w, T i_app) {
    Sample<T, stages> sample;
    sample.x = u * step.x_from_u;
    sample.z = multiply_add(i_app, step.z_from_i, w * step.z_from_w);
    sample.w_shift = i_app * step.w_from_i;
    const T r = multiply_add(i_app, step.r_from_i, step.r_from_one);
#pragma unroll
    for (int i = 1; i < stages; ++i) sample.shifts[i - 1] = r * step.coefficients[row(i) + i + 2];
    sample.shifts[stages - 1] = r * step.coefficients[row(stages) + stages + 1];
    return sample;
}

// Small terms are added up before large ones, so that float32 loses none of them, and what is known first is added
// first, so that the last multiply-add waits for nothing else.
template <typename T, int stages>
__device__ __forceinline__ void advance(const Folded<T, stages>& step, Sample<T, stages>& sample) {
    T xs[stages + 1];
    xs[0] = sample.x;
#pragma unroll
    for (int i = 0; i < stages; ++i) {
        const T* c = step.coefficients + row(i);  // k, x[0], ..., x[i - 1], z, r
        T linear = sample.z;
        if (i > 0) {
            linear = multiply_add(c[i + 1], sample.z, sample.shifts[i > 0 ? i - 1 : 0]);
#pragma unroll
            for (int j = 0; j < i; ++j) linear = multiply_add(c[1 + j], xs[j], linear);
        }
        xs[i + 1] = multiply_add(xs[i], multiply_add(-xs[i], xs[i], c[0]), linear);
    }
    const T* c = step.coefficients + row(stages);  // x[0], ..., x[stages - 1], z, r
    T sum = sample.shifts[stages - 1];
#pragma unroll
    for (int j = 0; j < stages; ++j) sum = multiply_add(c[j], xs[j], sum);
    sample.z = multiply_add(c[stages], sample.z, sum);
    sample.x = xs[stages];
}

// Advance by a save interval, but for what makes good for rounding.
//
// It is `chunks` times `chunk` steps, which are in a row, without a branch; `chunks` is 0 where it is not known before
// the kernel runs, and then `more_chunks` gives it.
template <int chunk, int chunks, typename T, int stages, int per_thread>
__device__ __forceinline__ void advance_interval(const Folded<T, stages>& step, Sample<T, stages> (&samples)[per_thread],
                                                 unsigned more_chunks) {
    const unsigned count = chunks > 0 ? chunks : more_chunks;
#pragma unroll 1
    for (unsigned c = 0; c < count; ++c)
#pragma unroll
        for (int n = 0; n < chunk; ++n)
#pragma unroll
            for (int k = 0; k < per_thread; ++k) advance(step, samples[k]);
}

// Solve `per_thread` samples in each thread, which lie a block apart so that stores of each are coalesced.
template <typename T, typename Stored, int stages, int chunk, int chunks, int per_thread>
__global__ void __launch_bounds__(block_size)
solve(const T* __restrict__ u0, const T* __restrict__ w0, const T* __restrict__ i_app, Stored* __restrict__ states,
      unsigned size, unsigned save_points, unsigned more_chunks, const Folded<T, stages> step) {
    const unsigned first = blockIdx.x * (block_size * per_thread) + threadIdx.x;
    if (first >= size) return;
    Sample<T, stages> samples[per_thread];
    bool inside[per_thread];
    Stored* at = states + first;
#pragma unroll
    for (int k = 0; k < per_thread; ++k) {
        inside[k] = k == 0 || first + k * block_size < size;
        const unsigned number = inside[k] ? first + k * block_size : first;  // computed again, and not stored
        const T u = u0[number], w = w0[number];
        samples[k] = begin(step, u, w, i_app[number]);
        if (inside[k]) {
            store(at + k * block_size, u);
            store(at + size + k * block_size, w);
        }
    }
    at += size;
#pragma unroll(points_in_a_row)
    for (unsigned point = 1; point < save_points; ++point) {
        advance_interval<chunk, chunks>(step, samples, more_chunks);
        at += size;
#pragma unroll
        for (int k = 0; k < per_thread; ++k) {
            samples[k].x = multiply_add(samples[k].x, step.x_drift, samples[k].x);
            if (inside[k]) store(at + k * block_size, samples[k].x * step.u_scale);
        }
        at += size;
#pragma unroll
        for (int k = 0; k < per_thread; ++k) {
            samples[k].z = multiply_add(samples[k].z, step.z_drift, samples[k].z);
            const T w = multiply_add(samples[k].z, step.w_from_z, samples[k].w_shift);
            if (inside[k]) store(at + k * block_size, w);
        }
    }
}

// As `solve`, but what is stored are features.
template <typename T, int stages, int chunk, int chunks, int per_thread>
__global__ void __launch_bounds__(block_size)
solve_features(const T* __restrict__ u0, const T* __restrict__ w0, const T* __restrict__ i_app,
               T* __restrict__ features, unsigned size, unsigned save_points, unsigned more_chunks, T save_interval,
               T threshold, const Folded<T, stages> step) {
    const unsigned first = blockIdx.x * (block_size * per_thread) + threadIdx.x;
    if (first >= size) return;
    Sample<T, stages> samples[per_thread];
    Seen<T> seen[per_thread];
#pragma unroll
    for (int k = 0; k < per_thread; ++k) {
        const unsigned own = first + k * block_size;
        const unsigned number = own < size ? own : first;  // computed again, and not stored
        samples[k] = begin(step, u0[number], w0[number], i_app[number]);
        seen[k] = first_seen(samples[k].x, samples[k].z);
    }
    const T level = threshold * step.x_from_u;
#pragma unroll 1
    for (unsigned point = 1; point < save_points; ++point) {
        advance_interval<chunk, chunks>(step, samples, more_chunks);
#pragma unroll
        for (int k = 0; k < per_thread; ++k) {
            samples[k].x = multiply_add(samples[k].x, step.x_drift, samples[k].x);
            samples[k].z = multiply_add(samples[k].z, step.z_drift, samples[k].z);
            see(seen[k], samples[k].x, samples[k].z, level, static_cast<T>(point));
        }
    }
#pragma unroll
    for (int k = 0; k < per_thread; ++k)
        if (first + k * block_size < size)
            store_features(features + first + k * block_size, size, seen[k],
                           {step.u_scale, step.w_from_z, samples[k].w_shift}, save_interval);
}

// A step as textbooks and most baselines have it: divisions, and the state read from memory and written back.
template <typename T, int stages>
struct Textbook {
    T a, b, c, tau, dt;
    T nodes[stages];    // where the stages begin, in steps
    T weights[stages];  // of their slopes
};

template <typename T>
__global__ void copy_initial(const T* u0, const T* w0, T* u, T* w, unsigned size) {
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= size) return;
    u[i] = u0[i];
    w[i] = w0[i];
}

template <typename T, int stages>
__global__ void step_once(const T* u, const T* w, const T* i_app, T* new_u, T* new_w, unsigned size,
                          Textbook<T, stages> method) {
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= size) return;
    T slope_u = 0, slope_w = 0, sum_u = 0, sum_w = 0;
#pragma unroll
    for (int stage = 0; stage < stages; ++stage) {
        const T at_u = u[i] + method.nodes[stage] * method.dt * slope_u;
        const T at_w = w[i] + method.nodes[stage] * method.dt * slope_w;
        slope_u = method.c * (at_u - at_u * at_u * at_u / T(3) - at_w) + i_app[i];
        slope_w = (at_u + method.a - method.b * at_w) / method.tau;
        sum_u += method.weights[stage] * slope_u;
        sum_w += method.weights[stage] * slope_w;
    }
    new_u[i] = u[i] + method.dt * sum_u;
    new_w[i] = w[i] + method.dt * sum_w;
}
