// Instructions that C++ has no name for. The tests define the same functions for the host.
#pragma once

#ifdef __CUDACC__

// The bits of a float16, rounded to nearest even.
__device__ __forceinline__ unsigned short half_bits_of(float value) {
    unsigned short bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
}

#endif
