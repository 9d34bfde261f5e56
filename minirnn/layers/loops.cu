// The time loops of the LSTM and of the windowed LSTM on a GPU: all steps of a chunk in one kernel.
//
// The product of a step is small: if the kernels of a step were started one by one, starting them would take longer than
// running them. So one kernel goes through all steps, and its blocks wait for each other at a barrier (`wait_for_all`)
// where the equations need what another block has computed. Equations and names are those of lstm.py, attention_window.py
// and windowed_lstm.py; E = 0 means an LSTM alone.
//
// Each block owns four columns of [w, h], or several fours, for all sequences: it computes the four gates of its units,
// keeps their weights in fast memory all the time (`own_W`), and is the only one that uses their c and dc. What all
// blocks need, [w, h] forward and dz backward, they exchange in a transposed array, (columns, sequences), so that a warp
// reads the values of 32 sequences in one access. The warps of a block share the sum over k, and add up their parts
// (`partial`).

#define THREADS (32 * WARPS)
#define ROWS (32 * Q)  // sequences that a block treats at once, 4 Q by each thread
#define LENGTH (ROWS + 4)  // of a row of `partial`: four more, against bank conflicts
#define SCRATCH ((3 * THREADS + E + 3 * K + U + 3) / 4 * 4)  // for the window
#define AHEAD 8  // values of k that are fetched before they are needed

// Waits until every block has come here for the ``times``-th time. What was written before is then seen by all threads
// that read with __ldcg.
__device__ void wait_for_all(unsigned *arrived, unsigned times) {
    __syncthreads();
    if (threadIdx.x == 0) {
        __threadfence();
        atomicAdd(arrived, 1u);
        while (*(volatile unsigned *)arrived < times * gridDim.x) continue;
        __threadfence();
    }
    __syncthreads();
}

// acc[r][n] += sum over k of x[k][row r of this thread] W[k][n], for k = begin, begin + step, ... < end.
// x (k, width) is in global memory, W (k, stride) in shared memory and begins at this thread's four columns.
__device__ void multiply(float acc[4 * Q][4], const float *x, int width, const float4 *W, int stride, int begin,
                         int end, int step) {
    for (int k = begin; k < end; k += AHEAD * step) {
        float4 v[AHEAD][Q];
#pragma unroll
        for (int i = 0; i < AHEAD; i++)
#pragma unroll
            for (int q = 0; q < Q; q++)
                v[i][q] = __ldcg((const float4 *)(x + (size_t)min(k + i * step, end - 1) * width + 32 * q));
#pragma unroll
        for (int i = 0; i < AHEAD; i++) {
            // Past the end there are zeros and no branch: after a branch, the compiler would fetch v only when needed.
            float4 w = W[min(k + i * step, end - 1) * stride];
            if (k + i * step >= end) w = make_float4(0, 0, 0, 0);
#pragma unroll
            for (int q = 0; q < Q; q++) {
                float rows[4] = {v[i][q].x, v[i][q].y, v[i][q].z, v[i][q].w};
#pragma unroll
                for (int r = 0; r < 4; r++) {
                    acc[4 * q + r][0] += rows[r] * w.x;
                    acc[4 * q + r][1] += rows[r] * w.y;
                    acc[4 * q + r][2] += rows[r] * w.z;
                    acc[4 * q + r][3] += rows[r] * w.w;
                }
            }
        }
    }
}

// Leaves acc in partial (parts, columns, LENGTH), as part ``part`` of the sum and from column ``column`` on.
__device__ void leave(float *partial, const float acc[4 * Q][4], int part, int columns, int column, int row) {
    for (int n = 0; n < 4; n++)
        for (int q = 0; q < Q; q++)
            *(float4 *)&partial[(part * columns + column + n) * LENGTH + 32 * q + row] =
                make_float4(acc[4 * q][n], acc[4 * q + 1][n], acc[4 * q + 2][n], acc[4 * q + 3][n]);
}

__device__ float add_up(const float *partial, int parts, int columns, int column, int row) {
    float sum = 0;
    for (int part = 0; part < parts; part++) sum += partial[(part * columns + column) * LENGTH + row];
    return sum;
}

// The window of sequence b at step t, by all threads of a block: h_t -> w_t, kappa_t, phi_t.
__device__ void window_forward(int t, int b, int B, int H, int E, int U, int K, float *wh, float *x, int width,
                               const float *W_window, const float *b_window, const float *C, float *exp_z, float *kappa,
                               float *phi, float *scratch) {
    int thread = threadIdx.x, N = 3 * K, parts = THREADS / N;
    float *now = wh + ((size_t)(t + 1) * B + b) * (E + H), *sums = scratch, *gauss = scratch + THREADS;
    float *weights = gauss + N;  // phi
    if (thread < parts * N) {
        float sum = 0;
        for (int k = thread / N; k < H; k += parts) sum += __ldcg(now + E + k) * W_window[k * N + thread % N];
        sums[thread] = sum;
    }
    __syncthreads();
    if (thread < N) {
        float z = b_window[thread];
        for (int part = 0; part < parts; part++) z += sums[part * N + thread];
        gauss[thread] = exp_z[((size_t)t * B + b) * N + thread] = expf(z);  // alpha, beta, the step of kappa
    }
    __syncthreads();
    if (thread < K) {
        float place = kappa[((size_t)t * B + b) * K + thread] + gauss[2 * K + thread];
        gauss[2 * K + thread] = kappa[((size_t)(t + 1) * B + b) * K + thread] = place;
    }
    __syncthreads();
    for (int u = thread; u < U; u += THREADS) {
        float sum = 0;
        for (int k = 0; k < K; k++) {
            float delta = gauss[2 * K + k] - u;
            sum += gauss[k] * expf(-gauss[K + k] * delta * delta);
        }
        weights[u] = phi[((size_t)t * B + b) * U + u] = sum;
    }
    __syncthreads();
    parts = THREADS / E;
    if (thread < parts * E) {
        float sum = 0;
        for (int u = thread / E; u < U; u += parts) sum += weights[u] * C[((size_t)b * U + u) * E + thread % E];
        sums[thread] = sum;
    }
    __syncthreads();
    if (thread < E) {
        float sum = 0;
        for (int part = 0; part < parts; part++) sum += sums[part * E + thread];
        now[thread] = x[(size_t)thread * width + b] = sum;
    }
    __syncthreads();
}

// z (T, B, 4H), x_t Wx + b, becomes the gates i, f, o, g; W (E + H, 4H) meets [w, h]; wh (T + 1, B, E + H), c (T + 1, B,
// H), tanh_c (T, B, H), of which wh[0] and c[0] are the state before the first step; x (2, E + H, width) is the exchange,
// x[0] the state again, zero past B. The rest is the window's, see above.
extern "C" __global__ void __launch_bounds__(THREADS, 1)
    forward(int T, int B, int H, int E, int U, int K, int width, float *z, const float *W, float *wh, float *c,
            float *tanh_c, float *x, unsigned *arrived, const float *W_window, const float *b_window, const float *C,
            float *exp_z, float *kappa, float *phi) {
    extern __shared__ float fast[];
    float *partial = fast, *scratch = partial + WARPS * 16 * LENGTH, *all_W = scratch + SCRATCH;
    int thread = threadIdx.x, warp = thread / 32, group = thread % 32 / 8, row = thread % 8 * 4;
    int D = E + H, share = (D + WARPS - 1) / WARPS, first_unit = 4 * blockIdx.x, next_unit = 4 * gridDim.x;
    unsigned times = 0;
    float *own_W = all_W;  // of four units: [k][unit][gate]
    for (int unit = first_unit; unit < H; unit += next_unit, own_W += 16 * D)
        for (int i = thread; i < 16 * D; i += THREADS)
            own_W[i] = W[(size_t)(i / 16) * 4 * H + i % 4 * H + unit + i % 16 / 4];
    __syncthreads();
    for (int t = 0; t < T; t++) {
        float *x_now = x + t % 2 * (size_t)D * width, *x_next = x + (t + 1) % 2 * (size_t)D * width;
        own_W = all_W;
        for (int unit = first_unit; unit < H; unit += next_unit, own_W += 16 * D)
            for (int first = 0; first < B; first += ROWS) {
                float acc[4 * Q][4] = {};
                multiply(acc, x_now + first + row, width, (float4 *)own_W + group, 4, warp * share,
                         min(D, (warp + 1) * share), 1);
                leave(partial, acc, warp, 16, 4 * group, row);
                __syncthreads();
                for (int i = thread; i < ROWS * 4; i += THREADS) {
                    int u = i % 4, j = unit + u, r = i / 4, b = first + r;
                    if (b >= B) continue;
                    float *gates = z + ((size_t)t * B + b) * 4 * H + j;
                    float z_i = gates[0] + add_up(partial, WARPS, 16, 4 * u, r);
                    float z_f = gates[H] + add_up(partial, WARPS, 16, 4 * u + 1, r);
                    float z_o = gates[2 * H] + add_up(partial, WARPS, 16, 4 * u + 2, r);
                    float z_g = gates[3 * H] + add_up(partial, WARPS, 16, 4 * u + 3, r);
                    float gate_i = 1 / (1 + expf(-z_i)), f = 1 / (1 + expf(-z_f)), o = 1 / (1 + expf(-z_o));
                    float g = tanhf(z_g), c_t = f * c[((size_t)t * B + b) * H + j] + gate_i * g, tanh_t = tanhf(c_t);
                    gates[0] = gate_i, gates[H] = f, gates[2 * H] = o, gates[3 * H] = g;
                    c[((size_t)(t + 1) * B + b) * H + j] = c_t;
                    tanh_c[((size_t)t * B + b) * H + j] = tanh_t;
                    wh[((size_t)(t + 1) * B + b) * D + E + j] = x_next[(size_t)(E + j) * width + b] = o * tanh_t;
                }
                __syncthreads();
            }
        wait_for_all(arrived, ++times);
        if (E) {
            for (int b = blockIdx.x; b < B; b += gridDim.x)
                window_forward(t, b, B, H, E, U, K, wh, x_next, width, W_window, b_window, C, exp_z, kappa, phi,
                               scratch);
            wait_for_all(arrived, ++times);
        }
    }
}

// The window of sequence b at step t, back: dw_t -> dz_window, dkappa of the step before. dw (T, B, E) holds dw_out and
// becomes dw; dkappa (B, K) is that of step t and becomes that of t - 1.
__device__ void window_backward(int t, int b, int B, int H, int E, int U, int K, float *dw, const float *dwh,
                                const float *C, const float *exp_z, const float *kappa, float *dkappa, float *dz_window,
                                float *scratch) {
    int thread = threadIdx.x, parts = THREADS / K;
    float *dw_t = dw + ((size_t)t * B + b) * E, *sums = scratch, *own_dw = scratch + 3 * THREADS, *dphi = own_dw + E;
    for (int e = thread; e < E; e += THREADS) own_dw[e] = dw_t[e] = dw_t[e] + __ldcg(dwh + (size_t)b * (E + H) + e);
    __syncthreads();
    for (int u = thread; u < U; u += THREADS) {
        float sum = 0;
        for (int e = 0; e < E; e++) sum += C[((size_t)b * U + u) * E + e] * own_dw[e];
        dphi[u] = sum;
    }
    __syncthreads();
    const float *gauss = exp_z + ((size_t)t * B + b) * 3 * K;
    if (thread < parts * K) {
        int k = thread % K;
        float place = kappa[((size_t)(t + 1) * B + b) * K + k], sum = 0, sum_delta = 0, sum_delta2 = 0;
        for (int u = thread / K; u < U; u += parts) {
            float delta = place - u, dG_G = dphi[u] * gauss[k] * expf(-gauss[K + k] * delta * delta);
            sum += dG_G, sum_delta += dG_G * delta, sum_delta2 += dG_G * delta * delta;
        }
        sums[thread] = sum, sums[THREADS + thread] = sum_delta, sums[2 * THREADS + thread] = sum_delta2;
    }
    __syncthreads();
    if (thread < K) {
        float sum = 0, sum_delta = 0, sum_delta2 = 0, beta = gauss[K + thread];
        for (int i = thread; i < parts * K; i += K)
            sum += sums[i], sum_delta += sums[THREADS + i], sum_delta2 += sums[2 * THREADS + i];
        float d = dkappa[b * K + thread] - 2 * beta * sum_delta;
        float *dz = dz_window + ((size_t)t * B + b) * 3 * K + thread;
        dkappa[b * K + thread] = d;
        dz[0] = sum, dz[K] = -beta * sum_delta2, dz[2 * K] = d * gauss[2 * K + thread];
    }
    __syncthreads();
}

// dh_out (T, B, H) is only read; gates, c, tanh_c as `forward` left them; dz (T, B, 4H) is filled in; dwh (B, E + H), dc
// (B, H) and dkappa (B, K) are the error of the last state and become that of the first; x (2, 4H, width) is the exchange,
// zero past B.
extern "C" __global__ void __launch_bounds__(THREADS, 1)
    backward(int T, int B, int H, int E, int U, int K, int width, const float *dh_out, const float *gates,
             const float *c, const float *tanh_c, const float *W, float *dz, float *dwh, float *dc, float *x,
             unsigned *arrived, const float *W_window, const float *C, const float *exp_z, const float *kappa,
             float *dw, float *dkappa, float *dz_window) {
    extern __shared__ float fast[];
    float *partial = fast, *scratch = partial + WARPS * 16 * LENGTH, *all_W = scratch + SCRATCH;
    int thread = threadIdx.x, warp = thread / 32, group = thread % 32 / 8, row = thread % 8 * 4;
    int D = E + H, share = (4 * H + WARPS - 1) / WARPS, first_column = 4 * blockIdx.x, next_column = 4 * gridDim.x;
    unsigned times = 0;
    float *own_W = all_W;  // of four columns: [gate k][column]
    for (int column = first_column; column < D; column += next_column, own_W += 16 * H)
        for (int i = thread; i < 16 * H; i += THREADS) own_W[i] = W[(size_t)(column + i % 4) * 4 * H + i / 4];
    __syncthreads();
    for (int t = T - 1; t >= 0; t--) {
        float *x_now = x + t % 2 * (size_t)4 * H * width;
        if (E) {
            for (int b = blockIdx.x; b < B; b += gridDim.x)
                window_backward(t, b, B, H, E, U, K, dw, dwh, C, exp_z, kappa, dkappa, dz_window, scratch);
            wait_for_all(arrived, ++times);
        }
        for (int column = first_column; column < D; column += next_column)
            for (int i = thread; i < B * 4 && column >= E; i += THREADS) {
                int j = column - E + i % 4, b = i / 4;
                size_t here = ((size_t)t * B + b) * H + j;
                const float *gate = gates + ((size_t)t * B + b) * 4 * H + j;
                float gate_i = gate[0], f = gate[H], o = gate[2 * H], g = gate[3 * H], tanh_t = tanh_c[here];
                float dh = dh_out[here] + dwh[(size_t)b * D + E + j];
                if (E)
                    for (int n = 0; n < 3 * K; n++)
                        dh += __ldcg(dz_window + ((size_t)t * B + b) * 3 * K + n) * W_window[j * 3 * K + n];
                float dc_t = dc[(size_t)b * H + j] + dh * o * (1 - tanh_t * tanh_t);
                float dz_i = dc_t * g * gate_i * (1 - gate_i), dz_f = dc_t * c[here] * f * (1 - f);
                float dz_o = dh * tanh_t * o * (1 - o), dz_g = dc_t * gate_i * (1 - g * g);
                dc[(size_t)b * H + j] = dc_t * f;
                float *out = dz + ((size_t)t * B + b) * 4 * H + j, *exchanged = x_now + (size_t)j * width + b;
                size_t gate_step = (size_t)H * width;
                out[0] = exchanged[0] = dz_i;
                out[H] = exchanged[gate_step] = dz_f;
                out[2 * H] = exchanged[2 * gate_step] = dz_o;
                out[3 * H] = exchanged[3 * gate_step] = dz_g;
            }
        wait_for_all(arrived, ++times);
        own_W = all_W;
        for (int column = first_column; column < D; column += next_column, own_W += 16 * H)
            for (int first = 0; first < B; first += ROWS) {
                float acc[4 * Q][4] = {};
                multiply(acc, x_now + first + row, width, (float4 *)own_W, 1, warp * share + group,
                         min(4 * H, (warp + 1) * share), 4);
                leave(partial, acc, 4 * warp + group, 4, 0, row);
                __syncthreads();
                for (int i = thread; i < ROWS * 4; i += THREADS)
                    if (first + i / 4 < B)
                        dwh[(size_t)(first + i / 4) * D + column + i % 4] = add_up(partial, 4 * WARPS, 4, i % 4, i / 4);
                __syncthreads();
            }
        if (E) wait_for_all(arrived, ++times);
    }
}
