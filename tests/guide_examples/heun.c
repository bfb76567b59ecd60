/* Heun's method for the FitzHugh-Nagumo model, a block of samples at a time: their state stays in the cache. */

enum { BLOCK = 64 };

void heun(long size, long save_points, long substeps, double dt, double a, double b, double c, double tau,
          const REAL *u0, const REAL *w0, const REAL *i_app, REAL *states)
{
    const REAL h = dt, half = dt / 2, third = 1.0 / 3, shift = a, decay = b, rate = c, slow = 1 / tau;
    for (long start = 0; start < size; start += BLOCK) {
        const long count = size - start < BLOCK ? size - start : BLOCK;
        REAL u[BLOCK], w[BLOCK];
        for (long k = 0; k < count; k++) {
            states[start + k] = u[k] = u0[start + k];
            states[size + start + k] = w[k] = w0[start + k];
        }
        for (long point = 1; point < save_points; point++) {
            for (long step = 0; step < substeps; step++)
                for (long k = 0; k < count; k++) {
                    const REAL i = i_app[start + k];
                    const REAL du = rate * (u[k] - u[k] * u[k] * u[k] * third - w[k]) + i;
                    const REAL dw = slow * (u[k] + shift - decay * w[k]);
                    const REAL v = u[k] + h * du, z = w[k] + h * dw;
                    u[k] += half * (du + rate * (v - v * v * v * third - z) + i);
                    w[k] += half * (dw + slow * (v + shift - decay * z));
                }
            REAL *saved = states + 2 * size * point + start;
            for (long k = 0; k < count; k++) {
                saved[k] = u[k];
                saved[size + k] = w[k];
            }
        }
    }
}
