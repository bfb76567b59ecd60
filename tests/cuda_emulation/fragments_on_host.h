// What network_fragments.cuh has: the lanes of a warp show each other their fragments, and each computes its own part
// of the product. Products are exact; their sum is truncated to float32, as tensor cores may do.
#pragma once

#include <network_on_host.h>

struct float2 {
    float x, y;
};
struct uint2 {
    unsigned x, y;
};

template <Half half>
unsigned half_bits(float value) {
    if constexpr (half == Half::float16) {
        const auto rounded = static_cast<_Float16>(value);
        std::uint16_t bits;
        std::memcpy(&bits, &rounded, sizeof bits);
        return bits;
    } else {
        const std::uint32_t bits = __float_as_uint(value);
        return (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    }
}

template <Half half>
float number_of(unsigned bits) {
    if constexpr (half == Half::float16) {
        const auto low = static_cast<std::uint16_t>(bits);
        _Float16 number;
        std::memcpy(&number, &low, sizeof low);
        return static_cast<float>(number);
    } else {
        return __uint_as_float(bits << 16);
    }
}

template <Half half>
unsigned pack(float first, float second) {
    return half_bits<half>(first) | half_bits<half>(second) << 16;
}

template <Half half>
float2 unpack(unsigned pair) {
    return {number_of<half>(pair & 0xffffu), number_of<half>(pair >> 16)};
}

inline float from_lane(float number, int lane) { return emulation::from_lane(number, static_cast<unsigned>(lane)); }

namespace emulation {

inline float truncated(double value) {
    const auto rounded = static_cast<float>(value);
    return std::fabs(rounded) > std::fabs(value) ? std::nextafterf(rounded, 0.0f) : rounded;
}

struct Fragments {
    unsigned a[4], b[2];
};
inline Fragments shown_fragments[1024];

// The matrices of m16n8k16 as the PTX ISA lays them out, or of m16n8k8, which is their first half in k.
template <Half half>
float left(int row, int k) {  // a0, a1: (g, 2q..), a2, a3: (g + 8, 2q..), a4...: the same with k + 8
    const unsigned lane = warp_begin() + row % 8 * 4 + k % 8 / 2;
    return number_of<half>(shown_fragments[lane].a[row / 8 + k / 8 * 2] >> 16 * (k % 2) & 0xffffu);
}
template <Half half>
float right(int k, int column) {  // b0, b1: (2q.., g), b2, b3: the same with k + 8
    const unsigned lane = warp_begin() + column * 4 + k % 8 / 2;
    return number_of<half>(shown_fragments[lane].b[k / 8] >> 16 * (k % 2) & 0xffffu);
}

template <Half half, int depth>
void multiply(float (&d)[4], const Fragments& own) {
    shown_fragments[current] = own;
    warp_barrier();
    const int g = static_cast<int>(current % 32 / 4), q = static_cast<int>(current % 4);
    for (int i = 0; i < 4; ++i) {  // c0, c1: (g, 2q..), c2, c3: (g + 8, 2q..)
        double sum = d[i];
        for (int k = 0; k < depth; ++k)
            sum += static_cast<double>(left<half>(g + i / 2 * 8, k)) * right<half>(k, 2 * q + i % 2);
        d[i] = truncated(sum);
    }
    warp_barrier();
}

}  // namespace emulation

template <Half half>
void multiply_8(float (&d)[4], const unsigned (&a)[2], unsigned b) {
    emulation::multiply<half, 8>(d, {{a[0], a[1], 0, 0}, {b, 0}});
}

template <Half half>
void multiply_16(float (&d)[4], const unsigned (&a)[2], const unsigned (&a8)[2], unsigned b, unsigned b8) {
    emulation::multiply<half, 16>(d, {{a[0], a[1], a8[0], a8[1]}, {b, b8}});
}
