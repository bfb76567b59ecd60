// Numbers of 16 bits, and the fragments of matrices that the lanes of a warp hold for tensor cores.
//
// Numbers of 16 bits travel in pairs, the first in the low half of a register.
#pragma once

enum class Half { float16, bfloat16 };

#ifdef __CUDACC__

// Two numbers, rounded to nearest.
template <Half half>
__device__ __forceinline__ unsigned pack(float first, float second) {
    unsigned pair;
    if constexpr (half == Half::bfloat16) {
#if __CUDA_ARCH__ >= 800
        asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(second), "f"(first));
#endif
    } else {
#if __CUDA_ARCH__ >= 800
        asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(second), "f"(first));
#else
        asm("{.reg .f16 low, high; cvt.rn.f16.f32 low, %1; cvt.rn.f16.f32 high, %2; mov.b32 %0, {low, high};}"
                : "=r"(pair)
                : "f"(first), "f"(second));
#endif
    }
    return pair;
}

template <Half half>
__device__ __forceinline__ float2 unpack(unsigned pair) {
    float2 numbers;
    if constexpr (half == Half::bfloat16) {
        numbers = {__uint_as_float(pair << 16), __uint_as_float(pair & 0xffff0000u)};
    } else {
        asm("{.reg .f16 low, high; mov.b32 {low, high}, %2; cvt.f32.f16 %0, low; cvt.f32.f16 %1, high;}"
                : "=f"(numbers.x), "=f"(numbers.y)
                : "r"(pair));
    }
    return numbers;
}

// d += a b, with a of 16 x 8 and b of 8 x 8 numbers. Lane 4 g + q of the warp holds, as pairs of neighbours in k:
// a[0] = A[g][2q, 2q+1], a[1] = A[g+8][2q, 2q+1], b = B[2q, 2q+1][g]; and d[0, 1] = D[g][2q, 2q+1],
// d[2, 3] = D[g+8][2q, 2q+1].
template <Half half>
__device__ __forceinline__ void multiply_8(float (&d)[4], const unsigned (&a)[2], unsigned b) {
    if constexpr (half == Half::bfloat16) {
#if __CUDA_ARCH__ >= 800
        asm("mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
                : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                : "r"(a[0]), "r"(a[1]), "r"(b));
#endif
    } else {
        asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
                : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                : "r"(a[0]), "r"(a[1]), "r"(b));
    }
}

// d += a b with twice the depth: the fragments of m16n8k16 are those of two products of depth 8, one after the other.
template <Half half>
__device__ __forceinline__ void multiply_16(float (&d)[4], const unsigned (&a)[2], const unsigned (&a8)[2], unsigned b,
                                                                                        unsigned b8) {
#if __CUDA_ARCH__ >= 800
    if constexpr (half == Half::bfloat16) {
        asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                : "r"(a[0]), "r"(a[1]), "r"(a8[0]), "r"(a8[1]), "r"(b), "r"(b8));
    } else {
        asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
                "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                : "r"(a[0]), "r"(a[1]), "r"(a8[0]), "r"(a8[1]), "r"(b), "r"(b8));
    }
#else
    multiply_8<half>(d, a, b);
    multiply_8<half>(d, a8, b8);
#endif
}

// The number of another lane of the warp.
__device__ __forceinline__ float from_lane(float number, int lane) { return __shfl_sync(0xffffffffu, number, lane); }

#else
#include <fragments_on_host.h>
#endif
