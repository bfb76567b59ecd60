// Features on the fly: what fhnbench.FEATURES names, from the states at the save points, which may be in another scale.
#pragma once

#include "arithmetic.cuh"

// u = u_scale * x, and w = w_scale * z + w_shift.
template <typename T>
struct Scale {
    T u_scale, w_scale, w_shift;
};

// What is known of a sample from its save points so far. The line from one save point to the next reaches the threshold
// at the time (point * rise - beyond) / rise, which is divided once, at the end.
template <typename T>
struct Seen {
    T x, z, x_low, x_high, z_low, z_high;
    T spikes, first_time, first_rise, last_time, last_rise;
};

template <typename T>
__device__ __forceinline__ Seen<T> first_seen(T x, T z) {
    return {x, z, x, x, z, z, 0, 0, 1, 0, 1};
}

// Take in the state at the save point of a number, from 1; `level` is the spike threshold on the scale of x.
template <typename T>
__device__ __forceinline__ void see(Seen<T>& seen, T x, T z, T level, T point) {
    if (seen.x < level && x >= level) {
        seen.last_rise = x - seen.x;
        seen.last_time = multiply_add(point, seen.last_rise, level - x);
        if (seen.spikes == 0) {
            seen.first_rise = seen.last_rise;
            seen.first_time = seen.last_time;
        }
        seen.spikes += 1;
    }
    seen.x = x;
    seen.z = z;
    seen.x_low = lesser(seen.x_low, x);
    seen.x_high = greater(seen.x_high, x);
    seen.z_low = lesser(seen.z_low, z);
    seen.z_high = greater(seen.z_high, z);
}

// Write the rows from `at` on, `size` apart; -1 is what there is not.
template <typename T>
__device__ __forceinline__ void store_features(T* at, unsigned size, const Seen<T>& seen, const Scale<T>& scale,
                                               T save_interval) {
    const T first = seen.first_time / seen.first_rise * save_interval;
    const T last = seen.last_time / seen.last_rise * save_interval;
    const auto w_of = [&](T z) { return multiply_add(z, scale.w_scale, scale.w_shift); };
    const T one_w = w_of(seen.z_low), other_w = w_of(seen.z_high);
    const T rows[] = {
        seen.spikes,
        seen.spikes > 0 ? first : T(-1),
        seen.spikes > 0 ? last : T(-1),
        seen.spikes > 1 ? (last - first) / (seen.spikes - 1) : T(-1),
        seen.x * scale.u_scale,
        w_of(seen.z),
        seen.x_low * scale.u_scale,
        seen.x_high * scale.u_scale,
        lesser(one_w, other_w),
        greater(one_w, other_w),
    };
#pragma unroll
    for (const T row : rows) {
        *at = row;
        at += size;
    }
}
