// Activation functions. Plans fold factors into weights: `activate` takes the pre-activation times `scale_before` and
// returns the activation divided by `scale_after` (see network_plan.py, which has the same factors).
#pragma once

#include "network_intrinsics.cuh"

enum class Activation { identity, relu, tanh, sigmoid, silu, softplus, sin };

// The sine of x = n pi + r is that of r, negated if n is odd; the coefficients are minimax for |r| <= pi / 2.
__device__ __forceinline__ float sine(float x) {
    const float shift = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number
    const float shifted = fmaf(x, 0.318309886f, shift);
    const float turns = shift - shifted;
    const float r = fmaf(turns, -8.742277657e-8f, fmaf(turns, 3.141592741f, x));
    const float z = r * r;
    float series = fmaf(z, 2.60578060858625041e-6f, -0.000198096028784608721f);
    series = fmaf(series, z, 0.00833306624575654251f);
    series = fmaf(series, z, -0.166666595504167921f);
    const float value = fmaf(r * z, series, r);
    return __uint_as_float(__float_as_uint(value) ^ (__float_as_uint(shifted) << 31));
}

// In float32, to a few units in the last place of the largest value of order one.
template <Activation activation>
__device__ __forceinline__ float activate(float x) {
    if constexpr (activation == Activation::relu) return fmaxf(x, 0.0f);
    // tanh z = 1 - 2 / (e^2z + 1), which is right at both infinities
    if constexpr (activation == Activation::tanh) return fmaf(-2.0f, reciprocal_approx(exp2_approx(x) + 1.0f), 1.0f);
    if constexpr (activation == Activation::sigmoid) return reciprocal_approx(exp2_approx(x) + 1.0f);
    if constexpr (activation == Activation::silu) return x * reciprocal_approx(exp2_approx(x) + 1.0f);
    if constexpr (activation == Activation::softplus) return fmaxf(x, 0.0f) + log2_approx(exp2_approx(-fabsf(x)) + 1.0f);
    if constexpr (activation == Activation::sin) return sine(x);
    return x;
}

template <Activation activation>
__device__ __forceinline__ double activate(double x) {
    if constexpr (activation == Activation::relu) return fmax(x, 0.0);
    if constexpr (activation == Activation::tanh) return tanh(x);
    if constexpr (activation == Activation::sigmoid) return 1.0 / (1.0 + exp(-x));
    if constexpr (activation == Activation::silu) return x / (1.0 + exp(-x));
    if constexpr (activation == Activation::softplus) return fmax(x, 0.0) + log1p(exp(-fabs(x)));
    if constexpr (activation == Activation::sin) return sin(x);
    return x;
}

// To what is then rounded to 16 bits: one special function, two for softplus.
template <Activation activation>
__device__ __forceinline__ float activate_approx(float x) {
    if constexpr (activation == Activation::tanh) return tanh_approx(x);
    if constexpr (activation == Activation::sigmoid) return fmaf(0.5f, tanh_approx(x), 0.5f);
    if constexpr (activation == Activation::silu) return fmaf(x, tanh_approx(x), x);
    if constexpr (activation == Activation::sin) return sin_approx(x);
    return activate<activation>(x);
}
