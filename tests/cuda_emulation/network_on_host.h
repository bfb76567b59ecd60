// The special functions of network_intrinsics.cuh, as inexact as the hardware may be: each result is off by up to the
// documented bound (PTX ISA), and how far depends on the argument without any order.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace emulation {

// A number between -1 and 1 that looks random.
inline double disorder(float x) {
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    bits = (bits ^ bits >> 16) * 0x7feb352du;
    bits = (bits ^ bits >> 15) * 0x846ca68bu;
    bits ^= bits >> 16;
    return bits / 2147483647.5 - 1.0;
}

inline float flushed(double value) {
    const auto rounded = static_cast<float>(value);
    return std::fabs(rounded) < 0x1p-126f ? 0.0f : rounded;
}

inline float relatively(double exact, double bound, float x) { return flushed(exact * (1.0 + bound * disorder(x))); }

}  // namespace emulation

inline float exp2_approx(float x) { return emulation::relatively(std::exp2(static_cast<double>(x)), 0x1p-22, x); }
inline float reciprocal_approx(float x) { return emulation::relatively(1.0 / x, 0x1p-23, x); }
inline float tanh_approx(float x) { return emulation::relatively(std::tanh(static_cast<double>(x)), 0x1p-11, x); }
inline float log2_approx(float x) {
    return emulation::flushed(std::log2(static_cast<double>(x)) + 0x1p-22 * emulation::disorder(x));
}
inline float sin_approx(float x) {
    return emulation::flushed(std::sin(static_cast<double>(x)) + 0x1p-20 * std::fmax(1.0, std::fabs(x)) * emulation::disorder(x));
}

inline std::uint32_t __float_as_uint(float x) {
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}
inline float __uint_as_float(std::uint32_t bits) {
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}
