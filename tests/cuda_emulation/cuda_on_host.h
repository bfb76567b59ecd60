// CUDA C++ on the host: the built-ins that kernels use, and blocks whose threads take turns.
//
// A kernel's source is included after this file and compiled by the host compiler. Blocks run one after the other. A
// block without barriers is a loop over its threads; in one with barriers each thread is a fiber with a stack of its
// own, and a barrier hands over to the next thread until all have arrived.
#pragma once

#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <tuple>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline
#define __launch_bounds__(...)
// Blocks take turns, so one copy of a block's shared memory is enough.
#define __shared__ static

struct dim3 {
    unsigned x = 1, y = 1, z = 1;
};

namespace emulation {

struct Position {
    dim3 thread, block;
};

inline Position now;
inline dim3 block_shape, grid_shape;
inline std::vector<std::max_align_t> dynamic_shared;

struct Fiber {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    dim3 thread;
    bool done = false;
    unsigned passed = 0;  // barriers of its block and of its warp that it has arrived at
    unsigned warp_passed = 0;
};

constexpr std::size_t stack_size = 256 * 1024;
inline std::vector<Fiber> fibers;
inline ucontext_t scheduler;
inline unsigned current;
inline bool in_fibers = false;

[[noreturn]] inline void fail(const char* what) {
    std::fprintf(stderr, "emulated kernel: %s\n", what);
    std::abort();
}

inline void yield() {
    if (!in_fibers) fail("a barrier in a kernel that was registered as having none");
    swapcontext(&fibers[current].context, &scheduler);
}

// Wait until every thread of [first, stop) that has not ended has arrived at its barrier number `mine`.
inline void arrive(unsigned first, unsigned stop, unsigned Fiber::* counter) {
    const unsigned mine = ++(fibers[current].*counter);
    for (;;) {
        bool all = true;
        for (unsigned i = first; i < stop && all; ++i) all = fibers[i].done || fibers[i].*counter >= mine;
        if (all) return;
        yield();
    }
}

inline unsigned warp_begin() { return current / 32 * 32; }
inline unsigned warp_end() { return std::min<unsigned>(warp_begin() + 32, fibers.size()); }
inline void warp_barrier() { arrive(warp_begin(), warp_end(), &Fiber::warp_passed); }

// What the lanes of a warp show each other: every lane writes its value, all wait, every lane reads.
inline unsigned char shown[1024][64];

template <typename T>
T from_lane(T value, unsigned lane) {
    static_assert(sizeof(T) <= sizeof shown[0]);
    std::memcpy(shown[current], &value, sizeof(T));
    warp_barrier();
    T other;
    std::memcpy(&other, shown[warp_begin() + lane % 32], sizeof(T));
    warp_barrier();
    return other;
}

template <typename Body>
void fiber_body(unsigned high, unsigned low) {
    auto& body = *reinterpret_cast<Body*>(static_cast<std::uintptr_t>(high) << 32 | low);
    body();
    fibers[current].done = true;
    swapcontext(&fibers[current].context, &scheduler);
}

template <typename Body>
void run_fibers(Body& body) {
    const unsigned count = block_shape.x * block_shape.y * block_shape.z;
    fibers.resize(count);
    for (unsigned i = 0; i < count; ++i) {
        Fiber& fiber = fibers[i];
        if (!fiber.stack) fiber.stack.reset(new char[stack_size]);
        fiber.thread = {i % block_shape.x, i / block_shape.x % block_shape.y, i / (block_shape.x * block_shape.y)};
        fiber.done = false;
        fiber.passed = fiber.warp_passed = 0;
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.get();
        fiber.context.uc_stack.ss_size = stack_size;
        fiber.context.uc_link = nullptr;
        const auto address = reinterpret_cast<std::uintptr_t>(&body);
        makecontext(&fiber.context, reinterpret_cast<void (*)()>(&fiber_body<Body>), 2,
                    static_cast<unsigned>(address >> 32), static_cast<unsigned>(address));
    }
    in_fibers = true;
    for (bool any = true; any;) {
        any = false;
        for (current = 0; current < count; ++current) {
            if (fibers[current].done) continue;
            any = true;
            now.thread = fibers[current].thread;
            swapcontext(&scheduler, &fibers[current].context);
        }
    }
    in_fibers = false;
}

template <typename Body>
void run_grid(dim3 grid, dim3 block, std::size_t shared, bool barriers, Body body) {
    grid_shape = grid, block_shape = block;
    dynamic_shared.resize(shared / sizeof(std::max_align_t) + 1);
    for (unsigned z = 0; z < grid.z; ++z)
        for (unsigned y = 0; y < grid.y; ++y)
            for (unsigned x = 0; x < grid.x; ++x) {
                now.block = {x, y, z};
                // What a block finds in shared memory is not zero.
                std::memset(dynamic_shared.data(), 0xff, dynamic_shared.size() * sizeof(std::max_align_t));
                if (barriers) {
                    run_fibers(body);
                    continue;
                }
                for (unsigned i = 0; i < block.z; ++i)
                    for (unsigned j = 0; j < block.y; ++j)
                        for (unsigned k = 0; k < block.x; ++k) {
                            now.thread = {k, j, i};
                            body();
                        }
            }
}

// How the emulated driver deals with a kernel: `pack` copies the arguments at the launch, `run` runs it later.
struct Entry {
    void* (*pack)(void** arguments);
    void (*run)(void* packed, const unsigned* shape, std::size_t shared);
    void (*discard)(void* packed);
};

template <auto kernel, bool barriers, typename Signature = decltype(kernel)>
struct Kernel;

template <auto kernel, bool barriers, typename... Arguments>
struct Kernel<kernel, barriers, void (*)(Arguments...)> {
    using Packed = std::tuple<std::remove_const_t<Arguments>...>;

    template <std::size_t... index>
    static Packed* unpack(void** arguments, std::index_sequence<index...>) {
        return new Packed{*static_cast<std::remove_const_t<Arguments>*>(arguments[index])...};
    }
    static void* pack(void** arguments) { return unpack(arguments, std::index_sequence_for<Arguments...>()); }
    static void run(void* packed, const unsigned* shape, std::size_t shared) {
        auto& arguments = *static_cast<Packed*>(packed);
        run_grid({shape[0], shape[1], shape[2]}, {shape[3], shape[4], shape[5]}, shared, barriers,
                 [&] { std::apply(kernel, arguments); });
    }
    static void discard(void* packed) { delete static_cast<Packed*>(packed); }
    static constexpr Entry entry{pack, run, discard};
};

}  // namespace emulation

#define threadIdx (emulation::now.thread)
#define blockIdx (emulation::now.block)
#define blockDim (emulation::block_shape)
#define gridDim (emulation::grid_shape)
#define DYNAMIC_SHARED(name) unsigned char* name = reinterpret_cast<unsigned char*>(emulation::dynamic_shared.data())

inline void __syncthreads() { emulation::arrive(0, emulation::fibers.size(), &emulation::Fiber::passed); }
inline void __syncwarp(unsigned = ~0u) { emulation::warp_barrier(); }

template <typename T>
T __shfl_sync(unsigned, T value, int lane, int = 32) {
    return emulation::from_lane(value, static_cast<unsigned>(lane));
}
template <typename T>
T __shfl_xor_sync(unsigned, T value, int mask, int = 32) {
    return emulation::from_lane(value, (emulation::current % 32) ^ static_cast<unsigned>(mask));
}

using std::fma;
using std::max;
using std::min;

// What intrinsics.cuh has.

inline unsigned short half_bits_of(float value) {
    const auto half = static_cast<_Float16>(value);
    unsigned short bits;
    std::memcpy(&bits, &half, sizeof bits);
    return bits;
}
