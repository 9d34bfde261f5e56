"""Right answers to the exercises, as different students would write them: the package itself, whole arrays at once,
plain loops over single numbers, and other algebra that comes to the same.

The classes are only there to give every function the name that the exercise asks for.
"""

import math

import numpy as np
from scipy.special import expit, log_softmax, logsumexp

from minirnn import layers
from minirnn.layers import attention_window, ctc, embedding, gru, lstm, rnn
from minirnn.networks import gradient_check
from minirnn.training import optimisers
from minirnn.writing import sampling


class Package:
    """The solutions: the package itself."""

    def numerical_gradient(f, theta, step):
        theta = theta.copy()
        return gradient_check.numerical_gradient(lambda: f(theta), theta, step)

    def rnn_backward(dy, x, h, Wx, Wh):
        dx, (dh0,), grads = rnn.backward(dy, None, (x, h, {"Wx": Wx, "Wh": Wh}))
        return dx, dh0, grads["Wx"], grads["Wh"], grads["b"]

    def dropout(x, u, p, dy):
        m = np.where(u < p, 0, 1 / (1 - p))
        y, cache = layers.dropout.forward(x, m)
        return y, layers.dropout.backward(dy, cache)

    def lstm_backward(dy, x, h, c, gates, Wx, Wh):
        z = np.concatenate([np.log(gates[..., : 3 * len(Wh)] / (1 - gates[..., : 3 * len(Wh)])),
                            np.arctanh(gates[..., 3 * len(Wh) :])], axis=2)  # fmt: skip
        b = (z[0] - x[0] @ Wx - h[0] @ Wh)[0]
        _, _, cache = lstm.forward(x, (h[0], c[0]), {"Wx": Wx, "Wh": Wh, "b": b})
        dx, (dh0, dc0), grads = lstm.backward(dy, None, cache)
        return dx, dh0, dc0, grads["Wx"], grads["Wh"], grads["b"]

    def ctc_forward(log_p, y):
        loss, cache = ctc.forward(log_p[:, None], y[:, None], np.array([len(log_p)]), np.array([len(y)]))
        return cache[2][:, 0], float(loss * len(y))

    def ctc_backward(log_p, y, log_alpha, loss):
        _, cache = ctc.forward(log_p[:, None], y[:, None], np.array([len(log_p)]), np.array([len(y)]))
        return ctc.backward(cache)[:, 0] * len(y)

    def embedding_backward(x, E, dy):
        return embedding.backward(dy, (x, E))["E"]

    def softmax_cross_entropy(z, targets, mask):
        loss, cache = layers.softmax_cross_entropy.forward(z, targets, mask)
        return loss, layers.softmax_cross_entropy.backward(cache)

    def rnn_step(x, h_prev, Wx, Wh, b):
        y, _, _ = rnn.forward(x[None], (h_prev,), {"Wx": Wx, "Wh": Wh, "b": b})
        return y[0]

    def lstm_step_forward(x, h_prev, c_prev, Wx, Wh, b):
        _, (h, c), _ = lstm.forward(x[None], (h_prev, c_prev), {"Wx": Wx, "Wh": Wh, "b": b})
        return h, c

    def lstm_step_backward(dh, dc, x, h_prev, c_prev, gates, c, Wx, Wh):
        dz, dc = np.empty_like(gates), dc.copy()
        lstm.cell_backward(dh.copy(), dc, gates, c_prev, np.tanh(c), dz, np.empty_like(gates))
        return dz @ Wx.T, dz @ Wh.T, dc, x.T @ dz, h_prev.T @ dz, dz.sum(axis=0)

    def gru_backward(dy, x, h, r, u, n, m, Wx, Wh):
        cache = (x, np.concatenate([r, u, n], axis=2), h, m, {"Wx": Wx, "Wh": Wh})
        dx, (dh0,), grads = gru.backward(dy, None, cache)
        return dx, dh0, grads["Wx"], grads["Wh"], grads["b"], grads["bn"]

    def adam_step(theta, g, m, s, t, lr, beta1, beta2, eps):
        params = {"theta": theta.copy()}
        adam = optimisers.Adam(params, beta1, beta2, eps)
        adam.steps, adam.m, adam.s = t - 1, {"theta": m.copy()}, {"theta": s.copy()}
        adam.step(params, {"theta": g}, lr)
        return params["theta"], adam.m["theta"], adam.s["theta"]

    def clip_by_global_norm(grads, max_norm):
        clipped = {key: g.copy() for key, g in grads.items()}
        norm = optimisers.clip_by_global_norm(clipped, max_norm)
        return clipped, norm

    def truncated_bptt(x, h0, dy, Wx, Wh, b, k):
        params, state, y = {"Wx": Wx, "Wh": Wh, "b": b}, (h0,), []
        total = {key: np.zeros_like(array) for key, array in params.items()}
        for start in range(0, len(x), k):
            out, state, cache = rnn.forward(x[start : start + k], state, params)
            y.append(out)
            _, _, grads = rnn.backward(dy[start : start + k], None, cache)
            for key in total:
                total[key] += grads[key]
        return np.concatenate(y), state[0], total["Wx"], total["Wh"], total["b"]

    def sample(z, temperature, u):
        ids = []
        for row, draw in zip(z, u):
            p = sampling.distribution(row, temperature)
            ids.append(np.searchsorted(np.cumsum(p), draw, side="right"))
        return np.array(ids)

    def window_forward(z, kappa_prev, C):
        w, kappa, phi, _ = attention_window.step_forward(z, kappa_prev, C)
        return w, kappa, phi

    def window_backward(dw, dkappa, z, kappa, C):
        kappa_prev = kappa - np.exp(z[:, -kappa.shape[1] :])
        _, _, phi, cache = attention_window.step_forward(z, kappa_prev, C)
        dz, dkappa_prev = attention_window.step_backward(dw, dkappa, C, cache)
        return dz, dkappa_prev, phi[:, :, None] * dw[:, None]


class Vectorised:
    """Whole arrays, written as the equations are."""

    def numerical_gradient(f, theta, step):
        gradient = np.zeros_like(theta)
        for place in np.ndindex(theta.shape):
            e = np.zeros_like(theta)
            e[place] = step
            gradient[place] = (f(theta + e) - f(theta - e)) / (2 * step)
        return gradient

    def rnn_backward(dy, x, h, Wx, Wh):
        T, B, H = dy.shape
        dx, dWx, dWh, db = np.zeros_like(x), np.zeros_like(Wx), np.zeros_like(Wh), np.zeros(H)
        dh_next = np.zeros((B, H))
        for t in range(T - 1, -1, -1):
            dh = dy[t] + dh_next
            da = dh * (1 - h[t + 1] ** 2)
            dWx += x[t].T @ da
            dWh += h[t].T @ da
            db += da.sum(axis=0)
            dx[t] = da @ Wx.T
            dh_next = da @ Wh.T
        return dx, dh_next, dWx, dWh, db

    def dropout(x, u, p, dy):
        keep = u >= p
        y = np.where(keep, x / (1 - p), 0)
        dx = np.where(keep, dy / (1 - p), 0)
        return y, dx

    def lstm_backward(dy, x, h, c, gates, Wx, Wh):
        T, B, H = dy.shape
        dx, dWx, dWh, db = np.zeros_like(x), np.zeros_like(Wx), np.zeros_like(Wh), np.zeros(4 * H)
        dh_next, dc_next = np.zeros((B, H)), np.zeros((B, H))
        for t in range(T - 1, -1, -1):
            i, f, o, g = np.split(gates[t], 4, axis=1)
            tanh_c = np.tanh(c[t + 1])
            dh = dy[t] + dh_next
            dc = dc_next + dh * o * (1 - tanh_c**2)
            dz_i = dc * g * i * (1 - i)
            dz_f = dc * c[t] * f * (1 - f)
            dz_o = dh * tanh_c * o * (1 - o)
            dz_g = dc * i * (1 - g**2)
            dz = np.hstack([dz_i, dz_f, dz_o, dz_g])
            dx[t] = dz @ Wx.T
            dWx += x[t].T @ dz
            dWh += h[t].T @ dz
            db += dz.sum(axis=0)
            dh_next = dz @ Wh.T
            dc_next = dc * f
        return dx, dh_next, dc_next, dWx, dWh, db

    def ctc_forward(log_p, y):
        places = np.array([0] + [n for v in y for n in (v, 0)])
        skip = (places != 0) & (places != np.roll(places, 2))
        skip[:2] = False
        log_alpha = np.full((len(log_p), len(places)), -np.inf)
        log_alpha[0, :2] = log_p[0, places[:2]]
        for t in range(1, len(log_p)):
            a = log_alpha[t - 1].copy()
            a[1:] = np.logaddexp(a[1:], log_alpha[t - 1, :-1])
            a[2:] = np.where(skip[2:], np.logaddexp(a[2:], log_alpha[t - 1, :-2]), a[2:])
            log_alpha[t] = a + log_p[t, places]
        return log_alpha, -np.logaddexp(log_alpha[-1, -1], log_alpha[-1, -2])

    def ctc_backward(log_p, y, log_alpha, loss):
        T, S = log_alpha.shape
        places = np.array([0] + [n for v in y for n in (v, 0)])
        log_beta = np.full((T, S), -np.inf)
        log_beta[T - 1, S - 2 :] = 0
        for t in range(T - 2, -1, -1):
            after = log_beta[t + 1] + log_p[t + 1, places]
            b = after.copy()
            b[:-1] = np.logaddexp(b[:-1], after[1:])
            for s in range(S - 2):
                if places[s + 2] != 0 and places[s + 2] != places[s]:
                    b[s] = np.logaddexp(b[s], after[s + 2])
            log_beta[t] = b
        gamma = np.zeros_like(log_p)
        np.add.at(gamma.T, places, np.exp(log_alpha + log_beta + loss).T)
        return np.exp(log_p) - gamma

    def embedding_backward(x, E, dy):
        dE = np.zeros_like(E)
        np.add.at(dE, x, dy)
        return dE

    def softmax_cross_entropy(z, targets, mask):
        shifted = z - z.max(axis=-1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
        N = mask.sum()
        picked = np.take_along_axis(log_p, targets[..., None], axis=-1)[..., 0]
        loss = -picked[mask].sum() / N
        onehot = np.eye(z.shape[-1])[targets]
        dz = (np.exp(log_p) - onehot) / N
        dz = dz * mask[:, :, None]
        return loss, dz

    def rnn_step(x, h_prev, Wx, Wh, b):
        a = x @ Wx + h_prev @ Wh + b
        return np.tanh(a)

    def lstm_step_forward(x, h_prev, c_prev, Wx, Wh, b):
        z = x @ Wx + h_prev @ Wh + b
        z_i, z_f, z_o, z_g = np.split(z, 4, axis=1)
        i = 1 / (1 + np.exp(-z_i))
        f = 1 / (1 + np.exp(-z_f))
        o = 1 / (1 + np.exp(-z_o))
        g = np.tanh(z_g)
        c = f * c_prev + i * g
        h = o * np.tanh(c)
        return h, c

    def lstm_step_backward(dh, dc, x, h_prev, c_prev, gates, c, Wx, Wh):
        i, f, o, g = np.split(gates, 4, axis=1)
        tanh_c = np.tanh(c)
        do = dh * tanh_c
        dc = dc + dh * o * (1 - tanh_c**2)
        di, df, dg = dc * g, dc * c_prev, dc * i
        dc_prev = dc * f
        dz_i = di * i * (1 - i)
        dz_f = df * f * (1 - f)
        dz_o = do * o * (1 - o)
        dz_g = dg * (1 - g**2)
        dz = np.hstack([dz_i, dz_f, dz_o, dz_g])
        dx = dz @ Wx.T
        dh_prev = dz @ Wh.T
        dWx = x.T @ dz
        dWh = h_prev.T @ dz
        db = dz.sum(axis=0)
        return dx, dh_prev, dc_prev, dWx, dWh, db

    def gru_backward(dy, x, h, r, u, n, m, Wx, Wh):
        T, B, H = dy.shape
        dx, dWx, dWh = np.zeros_like(x), np.zeros_like(Wx), np.zeros_like(Wh)
        db, dbn = np.zeros(3 * H), np.zeros(H)
        back = np.zeros((B, H))
        for t in reversed(range(T)):
            dh = dy[t] + back
            du = dh * (h[t] - n[t])
            dn = dh * (1 - u[t])
            dz_n = dn * (1 - n[t] ** 2)
            dr = dz_n * m[t]
            dm = dz_n * r[t]
            dz_r = dr * r[t] * (1 - r[t])
            dz_u = du * u[t] * (1 - u[t])
            dz = np.hstack([dz_r, dz_u, dz_n])
            dq = np.hstack([dz_r, dz_u, dm])
            dWx += x[t].T @ dz
            dWh += h[t].T @ dq
            db += dz.sum(axis=0)
            dbn += dm.sum(axis=0)
            dx[t] = dz @ Wx.T
            back = dq @ Wh.T + dh * u[t]
        return dx, back, dWx, dWh, db, dbn

    def adam_step(theta, g, m, s, t, lr, beta1, beta2, eps):
        m = beta1 * m + (1 - beta1) * g
        s = beta2 * s + (1 - beta2) * g**2
        m_hat = m / (1 - beta1**t)
        s_hat = s / (1 - beta2**t)
        theta = theta - lr * m_hat / (np.sqrt(s_hat) + eps)
        return theta, m, s

    def clip_by_global_norm(grads, max_norm):
        norm = np.sqrt(sum((g**2).sum() for g in grads.values()))
        factor = 1.0
        if norm > max_norm:
            factor = max_norm / norm
        clipped = {key: g * factor for key, g in grads.items()}
        return clipped, norm

    def truncated_bptt(x, h0, dy, Wx, Wh, b, k):
        T = len(x)
        y = np.zeros_like(dy)
        dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
        h = h0
        for start in range(0, T, k):
            stop = min(start + k, T)
            before = []
            for t in range(start, stop):
                before.append(h)
                h = np.tanh(x[t] @ Wx + h @ Wh + b)
                y[t] = h
            back = np.zeros_like(h0)
            for t in reversed(range(start, stop)):
                da = (dy[t] + back) * (1 - y[t] ** 2)
                dWx += x[t].T @ da
                dWh += before[t - start].T @ da
                db += da.sum(axis=0)
                back = da @ Wh.T
        return y, h, dWx, dWh, db

    def sample(z, temperature, u):
        z = z / temperature
        e = np.exp(z - z.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        return (np.cumsum(p, axis=1) <= u[:, None]).sum(axis=1)

    def window_forward(z, kappa_prev, C):
        alpha_hat, beta_hat, kappa_hat = np.split(z, 3, axis=1)
        alpha = np.exp(alpha_hat)
        beta = np.exp(beta_hat)
        kappa = kappa_prev + np.exp(kappa_hat)
        u = np.arange(C.shape[1])
        delta = kappa[:, :, None] - u
        phi = (alpha[:, :, None] * np.exp(-beta[:, :, None] * delta**2)).sum(axis=1)
        w = (phi[:, :, None] * C).sum(axis=1)
        return w, kappa, phi

    def window_backward(dw, dkappa, z, kappa, C):
        alpha, beta, step = np.split(np.exp(z), 3, axis=1)
        delta = kappa[:, :, None] - np.arange(C.shape[1])
        G = alpha[:, :, None] * np.exp(-beta[:, :, None] * delta**2)
        phi = G.sum(axis=1)
        dphi = (C * dw[:, None, :]).sum(axis=2)
        dG = dphi[:, None, :] * G
        dalpha_hat = dG.sum(axis=2)
        dbeta_hat = -beta * (dG * delta**2).sum(axis=2)
        dk = dkappa - 2 * beta * (dG * delta).sum(axis=2)
        dkappa_hat = dk * step
        dC = phi[:, :, None] * dw[:, None, :]
        return np.hstack([dalpha_hat, dbeta_hat, dkappa_hat]), dk, dC


class Loops:
    """Number by number, as in a first course of programming."""

    def numerical_gradient(f, theta, step):
        theta, flat = theta.copy(), []
        for n in range(theta.size):
            old = theta.flat[n]
            theta.flat[n] = old + step
            above = f(theta)
            theta.flat[n] = old - step
            flat.append((above - f(theta)) / step / 2)
            theta.flat[n] = old
        return np.array(flat).reshape(theta.shape)

    def rnn_backward(dy, x, h, Wx, Wh):
        T, B, H = dy.shape
        dx, dh0 = np.zeros(x.shape), np.zeros((B, H))
        dWx, dWh, db = np.zeros(Wx.shape), np.zeros(Wh.shape), np.zeros(H)
        for n in range(B):
            back = np.zeros(H)
            for t in range(T - 1, -1, -1):
                da = np.zeros(H)
                for j in range(H):
                    da[j] = (dy[t, n, j] + back[j]) * (1 - h[t + 1, n, j] * h[t + 1, n, j])
                for d in range(x.shape[2]):
                    dx[t, n, d] = (Wx[d] * da).sum()
                    dWx[d] += x[t, n, d] * da
                for i in range(H):
                    back[i] = (Wh[i] * da).sum()
                    dWh[i] += h[t, n, i] * da
                db += da
            dh0[n] = back
        return dx, dh0, dWx, dWh, db

    def dropout(x, u, p, dy):
        y, dx = np.zeros(x.shape), np.zeros(x.shape)
        for place in np.ndindex(x.shape):
            if u[place] >= p:
                y[place] = x[place] / (1 - p)
                dx[place] = dy[place] / (1 - p)
        return y, dx

    def lstm_backward(dy, x, h, c, gates, Wx, Wh):
        T, B, H = dy.shape
        dx, dh0, dc0 = np.zeros(x.shape), np.zeros((B, H)), np.zeros((B, H))
        dWx, dWh, db = np.zeros(Wx.shape), np.zeros(Wh.shape), np.zeros(4 * H)
        for n in range(B):
            back, cell = np.zeros(H), np.zeros(H)
            for t in range(T - 1, -1, -1):
                dz = np.zeros(4 * H)
                for j in range(H):
                    i, f, o, g = (gates[t, n, block * H + j] for block in range(4))
                    error = dy[t, n, j] + back[j]
                    tanh_c = math.tanh(c[t + 1, n, j])
                    cell[j] += error * o * (1 - tanh_c * tanh_c)
                    dz[j] = cell[j] * g * i * (1 - i)
                    dz[H + j] = cell[j] * c[t, n, j] * f * (1 - f)
                    dz[2 * H + j] = error * tanh_c * o * (1 - o)
                    dz[3 * H + j] = cell[j] * i * (1 - g * g)
                    cell[j] *= f
                dx[t, n] = Wx @ dz
                back = Wh @ dz
                dWx += np.outer(x[t, n], dz)
                dWh += np.outer(h[t, n], dz)
                db += dz
            dh0[n], dc0[n] = back, cell
        return dx, dh0, dc0, dWx, dWh, db

    def ctc_forward(log_p, y):
        def add(a, b):
            if a == -math.inf or b == -math.inf:
                return max(a, b)
            return max(a, b) + math.log1p(math.exp(-abs(a - b)))

        T, S = len(log_p), 2 * len(y) + 1
        places = [y[s // 2] if s % 2 else 0 for s in range(S)]
        alpha = np.full((T, S), -math.inf)
        for t in range(T):
            for s in range(S):
                if t == 0:
                    total = 0 if s < 2 else -math.inf
                else:
                    total = alpha[t - 1, s]
                    if s > 0:
                        total = add(total, alpha[t - 1, s - 1])
                    if s > 1 and s % 2 and places[s] != places[s - 2]:
                        total = add(total, alpha[t - 1, s - 2])
                alpha[t, s] = total + log_p[t, places[s]]
        return alpha, -add(alpha[T - 1, S - 1], alpha[T - 1, S - 2])

    def ctc_backward(log_p, y, log_alpha, loss):
        def add(a, b):
            if a == -math.inf or b == -math.inf:
                return max(a, b)
            return max(a, b) + math.log1p(math.exp(-abs(a - b)))

        T, S = log_alpha.shape
        places = [y[s // 2] if s % 2 else 0 for s in range(S)]
        beta, dz = [[-math.inf] * S for _ in range(T)], np.exp(log_p)
        for t in range(T - 1, -1, -1):
            for s in range(S - 1, -1, -1):
                if t == T - 1:
                    beta[t][s] = 0 if s >= S - 2 else -math.inf
                    continue
                total = beta[t + 1][s] + log_p[t + 1, places[s]]
                if s + 1 < S:
                    total = add(total, beta[t + 1][s + 1] + log_p[t + 1, places[s + 1]])
                if s + 2 < S and s % 2 and places[s] != places[s + 2]:
                    total = add(total, beta[t + 1][s + 2] + log_p[t + 1, places[s + 2]])
                beta[t][s] = total
            for s in range(S):
                dz[t, places[s]] -= math.exp(log_alpha[t, s] + beta[t][s] + loss)
        return dz

    def embedding_backward(x, E, dy):
        dE = np.zeros(E.shape)
        for t in range(x.shape[0]):
            for n in range(x.shape[1]):
                for d in range(E.shape[1]):
                    dE[x[t, n], d] += dy[t, n, d]
        return dE

    def softmax_cross_entropy(z, targets, mask):
        T, B, V = z.shape
        loss, dz, N = 0.0, np.zeros(z.shape), 0
        for t in range(T):
            for n in range(B):
                if not mask[t, n]:
                    continue
                N += 1
                top = max(z[t, n])
                total = sum(math.exp(value - top) for value in z[t, n])
                loss -= z[t, n, targets[t, n]] - top - math.log(total)
                for v in range(V):
                    dz[t, n, v] = math.exp(z[t, n, v] - top) / total
                dz[t, n, targets[t, n]] -= 1
        return loss / N, dz / N

    def rnn_step(x, h_prev, Wx, Wh, b):
        h = np.zeros(h_prev.shape)
        for n in range(h.shape[0]):
            for j in range(h.shape[1]):
                a = b[j]
                for d in range(x.shape[1]):
                    a += x[n, d] * Wx[d, j]
                for i in range(h.shape[1]):
                    a += h_prev[n, i] * Wh[i, j]
                h[n, j] = math.tanh(a)
        return h

    def lstm_step_forward(x, h_prev, c_prev, Wx, Wh, b):
        B, H = h_prev.shape
        h, c = np.zeros((B, H)), np.zeros((B, H))

        def z(n, column):
            return x[n].dot(Wx[:, column]) + h_prev[n].dot(Wh[:, column]) + b[column]

        def sigmoid(value):
            return 1 / (1 + math.exp(-value))

        for n in range(B):
            for j in range(H):
                i, f, o = sigmoid(z(n, j)), sigmoid(z(n, H + j)), sigmoid(z(n, 2 * H + j))
                g = math.tanh(z(n, 3 * H + j))
                c[n, j] = f * c_prev[n, j] + i * g
                h[n, j] = o * math.tanh(c[n, j])
        return h, c

    def lstm_step_backward(dh, dc, x, h_prev, c_prev, gates, c, Wx, Wh):
        B, H = dh.shape
        dx, dh_prev, dc_prev = np.zeros(x.shape), np.zeros((B, H)), np.zeros((B, H))
        dWx, dWh, db = np.zeros(Wx.shape), np.zeros(Wh.shape), np.zeros(4 * H)
        for k in range(B):
            dz = np.zeros(4 * H)
            for j in range(H):
                i, f, o, g = gates[k, j], gates[k, H + j], gates[k, 2 * H + j], gates[k, 3 * H + j]
                tanh_c = math.tanh(c[k, j])
                error = dc[k, j] + dh[k, j] * o * (1 - tanh_c * tanh_c)
                dz[j] = error * g * i * (1 - i)
                dz[H + j] = error * c_prev[k, j] * f * (1 - f)
                dz[2 * H + j] = dh[k, j] * tanh_c * o * (1 - o)
                dz[3 * H + j] = error * i * (1 - g * g)
                dc_prev[k, j] = error * f
            for column in range(4 * H):
                dx[k] += dz[column] * Wx[:, column]
                dh_prev[k] += dz[column] * Wh[:, column]
                dWx[:, column] += x[k] * dz[column]
                dWh[:, column] += h_prev[k] * dz[column]
                db[column] += dz[column]
        return dx, dh_prev, dc_prev, dWx, dWh, db

    def gru_backward(dy, x, h, r, u, n, m, Wx, Wh):
        T, B, H = dy.shape
        dx, dh0 = np.zeros(x.shape), np.zeros((B, H))
        dWx, dWh, db, dbn = np.zeros(Wx.shape), np.zeros(Wh.shape), np.zeros(3 * H), np.zeros(H)
        for k in range(B):
            carried = [0.0] * H
            for t in range(T - 1, -1, -1):
                dz, dq, straight = np.zeros(3 * H), np.zeros(3 * H), np.zeros(H)
                for j in range(H):
                    dh = dy[t, k, j] + carried[j]
                    dn = dh * (1 - u[t, k, j]) * (1 - n[t, k, j] ** 2)
                    dz[j] = dn * m[t, k, j] * r[t, k, j] * (1 - r[t, k, j])
                    dz[H + j] = dh * (h[t, k, j] - n[t, k, j]) * u[t, k, j] * (1 - u[t, k, j])
                    dz[2 * H + j] = dn
                    dq[j], dq[H + j], dq[2 * H + j] = dz[j], dz[H + j], dn * r[t, k, j]
                    straight[j] = dh * u[t, k, j]
                for d in range(x.shape[2]):
                    dx[t, k, d] = (Wx[d] * dz).sum()
                    dWx[d] += x[t, k, d] * dz
                for j in range(H):
                    carried[j] = straight[j] + (Wh[j] * dq).sum()
                    dWh[j] += h[t, k, j] * dq
                db += dz
                dbn += dq[2 * H :]
            dh0[k] = carried
        return dx, dh0, dWx, dWh, db, dbn

    def adam_step(theta, g, m, s, t, lr, beta1, beta2, eps):
        theta, m, s = theta.copy(), m.copy(), s.copy()
        for place in np.ndindex(theta.shape):
            m[place] = beta1 * m[place] + (1 - beta1) * g[place]
            s[place] = beta2 * s[place] + (1 - beta2) * g[place] * g[place]
            theta[place] -= lr * (m[place] / (1 - beta1**t)) / (math.sqrt(s[place] / (1 - beta2**t)) + eps)
        return theta, m, s

    def clip_by_global_norm(grads, max_norm):
        total = 0.0
        for g in grads.values():
            for value in g.flat:
                total += value * value
        norm = math.sqrt(total)
        clipped = {}
        for key in grads:
            clipped[key] = grads[key].copy()
            if norm > max_norm:
                for place in np.ndindex(clipped[key].shape):
                    clipped[key][place] *= max_norm / norm
        return clipped, norm

    def truncated_bptt(x, h0, dy, Wx, Wh, b, k):
        T, B, H = dy.shape
        y = np.zeros((T, B, H))
        dWx, dWh, db = np.zeros(Wx.shape), np.zeros(Wh.shape), np.zeros(H)
        for t in range(T):
            for n in range(B):
                before = h0[n] if t == 0 else y[t - 1, n]
                for j in range(H):
                    y[t, n, j] = math.tanh(x[t, n].dot(Wx[:, j]) + before.dot(Wh[:, j]) + b[j])
        for n in range(B):
            da = np.zeros(H)
            for t in range(T - 1, -1, -1):
                if t % k == k - 1 or t == T - 1:
                    da = np.zeros(H)
                da = (dy[t, n] + Wh.dot(da)) * (1 - y[t, n] ** 2)
                before = h0[n] if t == 0 else y[t - 1, n]
                dWx += np.outer(x[t, n], da)
                dWh += np.outer(before, da)
                db += da
        return y, y[-1], dWx, dWh, db

    def sample(z, temperature, u):
        ids = []
        for row, draw in zip(z, u):
            top = max(row)
            weights = [math.exp((value - top) / temperature) for value in row]
            edge, v = weights[0] / sum(weights), 0
            while edge <= draw and v < len(row) - 1:
                v += 1
                edge += weights[v] / sum(weights)
            ids.append(v)
        return np.array(ids)

    def window_forward(z, kappa_prev, C):
        (B, K), (U, E) = kappa_prev.shape, C.shape[1:]
        w, kappa, phi = np.zeros((B, E)), np.zeros((B, K)), np.zeros((B, U))
        for n in range(B):
            for k in range(K):
                alpha, beta = math.exp(z[n, k]), math.exp(z[n, K + k])
                kappa[n, k] = kappa_prev[n, k] + math.exp(z[n, 2 * K + k])
                for u in range(U):
                    phi[n, u] += alpha * math.exp(-beta * (kappa[n, k] - u) ** 2)
            for u in range(U):
                w[n] += phi[n, u] * C[n, u]
        return w, kappa, phi

    def window_backward(dw, dkappa, z, kappa, C):
        (B, K), U = kappa.shape, C.shape[1]
        dz, dkappa_prev, dC = np.zeros(z.shape), np.zeros((B, K)), np.zeros(C.shape)
        for n in range(B):
            for k in range(K):
                alpha, beta = math.exp(z[n, k]), math.exp(z[n, K + k])
                dkappa_prev[n, k] = dkappa[n, k]
                for u in range(U):
                    delta = kappa[n, k] - u
                    G = alpha * math.exp(-beta * delta * delta)
                    error = G * C[n, u].dot(dw[n])
                    dz[n, k] += error
                    dz[n, K + k] -= beta * delta * delta * error
                    dkappa_prev[n, k] -= 2 * beta * delta * error
                    dC[n, u] += G * dw[n]
                dz[n, 2 * K + k] = dkappa_prev[n, k] * math.exp(z[n, 2 * K + k])
        return dz, dkappa_prev, dC


class OtherAlgebra:
    """Other formulas that are equal to those of the exercises."""

    def numerical_gradient(f, theta, step):
        moves = step * np.eye(theta.size).reshape(theta.size, *theta.shape)
        up, down = np.array([f(theta + move) for move in moves]), np.array([f(theta - move) for move in moves])
        return ((up - down) * 0.5 / step).reshape(theta.shape)

    def rnn_backward(dy, x, h, Wx, Wh):
        da = np.empty_like(dy)
        later = 0
        for t in range(len(dy) - 1, -1, -1):
            da[t] = (dy[t] + later) * (1 - h[t + 1]) * (1 + h[t + 1])
            later = np.einsum("bj,ij->bi", da[t], Wh)
        dWx, dWh = np.tensordot(x, da, ((0, 1), (0, 1))), np.einsum("tbi,tbj->ij", h[:-1], da)
        return da @ Wx.T, later, dWx, dWh, da.sum((0, 1))

    def dropout(x, u, p, dy):
        mask = np.floor(u - p + 1) / (1 - p)
        return np.multiply(x, mask), np.multiply(dy, mask)

    def lstm_backward(dy, x, h, c, gates, Wx, Wh):
        T, B, H = dy.shape
        i, f, o, g = gates.reshape(T, B, 4, H).transpose(2, 0, 1, 3)
        dz = np.empty_like(gates)
        dh, dc = dy[-1], 0
        for t in range(T - 1, -1, -1):
            dc = dc + dh * o[t] / np.cosh(c[t + 1]) ** 2
            blocks = [dc * (c[t + 1] - f[t] * c[t]) * (1 - i[t]), dc * c[t] * f[t] * (1 - f[t])]
            blocks += [dh * h[t + 1] * (1 - o[t]), dc * i[t] * (1 - g[t]) * (1 + g[t])]
            dz[t] = np.concatenate(blocks, axis=1)
            dh, dc = dz[t] @ Wh.T + (dy[t - 1] if t else 0), dc * f[t]
        dWx, dWh = np.einsum("tbd,tbz->dz", x, dz), np.einsum("tbh,tbz->hz", h[:-1], dz)
        return dz @ Wx.T, dh, dc, dWx, dWh, dz.sum((0, 1))

    def ctc_forward(log_p, y):
        places = np.insert(np.zeros(len(y) + 1, int), np.arange(1, len(y) + 1), y)
        S = len(places)
        to = np.subtract.outer(np.arange(S), np.arange(S))
        allowed = (to == 0) | (to == 1) | ((to == 2) & (places[:, None] != 0) & (places[:, None] != places))
        step = np.where(allowed, 0, -np.inf)
        log_alpha = [np.where(np.arange(S) < 2, log_p[0, places], -np.inf)]
        for row in log_p[1:]:
            log_alpha.append(logsumexp(step + log_alpha[-1], axis=1) + row[places])
        return np.array(log_alpha), -logsumexp(log_alpha[-1][-2:])

    def ctc_backward(log_p, y, log_alpha, loss):
        # The endings are the beginnings of everything turned round.
        places = np.insert(np.zeros(len(y) + 1, int), np.arange(1, len(y) + 1), y)
        S = len(places)
        to = np.subtract.outer(np.arange(S), np.arange(S))
        allowed = (to == 0) | (to == 1) | ((to == 2) & (places[:, None] != 0) & (places[:, None] != places))
        step = np.where(allowed, 0, -np.inf)
        log_beta = [np.where(np.arange(S) >= S - 2, 0, -np.inf)]
        for row in log_p[:0:-1]:
            log_beta.append(logsumexp(step.T + log_beta[-1] + row[places], axis=1))
        place = np.exp(log_alpha + np.array(log_beta[::-1]) + loss)
        return np.exp(log_p) - place @ np.eye(log_p.shape[1])[places]

    def embedding_backward(x, E, dy):
        onehot = np.equal.outer(np.arange(len(E)), x)
        return np.einsum("vtb,tbd->vd", onehot, dy)

    def softmax_cross_entropy(z, targets, mask):
        log_p = log_softmax(z, axis=-1)
        weight = mask / np.count_nonzero(mask)
        onehot = np.arange(z.shape[-1]) == targets[..., None]
        return -np.einsum("tbv,tb->", np.where(onehot, log_p, 0), weight), np.einsum(
            "tbv,tb->tbv", np.exp(log_p) - onehot, weight
        )

    def rnn_step(x, h_prev, Wx, Wh, b):
        ones = np.ones((len(x), 1))
        e = np.exp(-2 * (np.hstack([x, h_prev, ones]) @ np.vstack([Wx, Wh, b])))
        return (1 - e) / (1 + e)

    def lstm_step_forward(x, h_prev, c_prev, Wx, Wh, b):
        z = np.concatenate([h_prev, x], axis=1) @ np.concatenate([Wh, Wx]) + b
        H = h_prev.shape[1]
        ifo, g = expit(z[:, :-H]), 2 * expit(2 * z[:, -H:]) - 1
        c = g * ifo[:, :H] + c_prev * ifo[:, H : 2 * H]
        return np.tanh(c) * ifo[:, -H:], c

    def lstm_step_backward(dh, dc, x, h_prev, c_prev, gates, c, Wx, Wh):
        B, H = dh.shape
        i, f, o, g = gates.reshape(B, 4, H).transpose(1, 0, 2)
        total = dc + dh * o / np.cosh(c) ** 2
        dz = np.stack([total * g, total * c_prev, dh * np.tanh(c), total * i], axis=1)
        slopes = np.stack([i - i * i, f - f * f, o - o * o, (1 - g) * (1 + g)], axis=1)
        dz = (dz * slopes).reshape(B, 4 * H)
        both = np.einsum("bi,bj->ij", np.hstack([x, h_prev, np.ones((B, 1))]), dz)
        dxh = dz @ np.vstack([Wx, Wh]).T
        D = x.shape[1]
        return dxh[:, :D], dxh[:, D:], total * f, both[:D], both[D:-1], both[-1]

    def gru_backward(dy, x, h, r, u, n, m, Wx, Wh):
        T, _, H = dy.shape
        dz, dq = np.empty((T, len(x[0]), 3 * H)), np.empty((T, len(x[0]), 3 * H))
        dh = dy[-1]
        for t in range(T - 1, -1, -1):
            dz_n = dh * (1 - u[t]) * (1 - n[t]) * (1 + n[t])
            dz_r = dz_n * m[t] * (r[t] - r[t] ** 2)
            dz_u = dh * (h[t + 1] - n[t]) * (1 - u[t])  # h_t - n = u (h_{t-1} - n)
            dz[t] = np.concatenate([dz_r, dz_u, dz_n], axis=-1)
            dq[t] = np.concatenate([dz_r, dz_u, dz_n * r[t]], axis=-1)
            dh = dh * u[t] + dq[t] @ Wh.T + (dy[t - 1] if t else 0)
        dWx, dWh = np.einsum("tbd,tbz->dz", x, dz), np.einsum("tbh,tbz->hz", h[:-1], dq)
        return dz @ Wx.T, dh, dWx, dWh, dz.sum((0, 1)), dq[..., -H:].sum((0, 1))

    def adam_step(theta, g, m, s, t, lr, beta1, beta2, eps):
        m = m + (1 - beta1) * (g - m)
        s = s - (1 - beta2) * (s - np.square(g))
        root = math.sqrt(1 - beta2**t)
        return theta - lr * root / (1 - beta1**t) * m / (np.sqrt(s) + eps * root), m, s

    def clip_by_global_norm(grads, max_norm):
        norm = np.linalg.norm(np.concatenate([g.ravel() for g in grads.values()]))
        return {key: g / max(1, norm / max_norm) for key, g in grads.items()}, float(norm)

    def truncated_bptt(x, h0, dy, Wx, Wh, b, k):
        y, before = [], [h0]
        for row in x[:k]:
            y.append(np.tanh(row @ Wx + before[-1] @ Wh + b))
            before.append(y[-1])
        da = [None] * len(y)
        for t in range(len(y) - 1, -1, -1):
            later = da[t + 1] @ Wh.T if t + 1 < len(y) else 0
            da[t] = (dy[t] + later) * (1 - y[t]) * (1 + y[t])
        dWx, dWh = np.tensordot(x[:k], da, ((0, 1), (0, 1))), np.tensordot(before[:-1], da, ((0, 1), (0, 1)))
        if len(x) <= k:
            return np.array(y), y[-1], dWx, dWh, np.sum(da, axis=(0, 1))
        rest = truncated_bptt(x[k:], y[-1], dy[k:], Wx, Wh, b, k)  # noqa: F821 (itself)
        return np.concatenate([y, rest[0]]), rest[1], dWx + rest[2], dWh + rest[3], np.sum(da, (0, 1)) + rest[4]

    def sample(z, temperature, u):
        edges = np.cumsum(np.exp(log_softmax(z / temperature, axis=1)), axis=1)
        return np.argmax(edges > u[:, None], axis=1)

    def window_forward(z, kappa_prev, C):
        a, b, k = z.reshape(len(z), 3, -1).transpose(1, 0, 2)
        kappa = kappa_prev + np.exp(k)
        distance = np.subtract.outer(kappa, np.arange(C.shape[1]))
        phi = np.exp(a[..., None] - np.exp(b)[..., None] * distance**2).sum(axis=1)
        return np.einsum("bu,bue->be", phi, C), kappa, phi

    def window_backward(dw, dkappa, z, kappa, C):
        a, b, k = z.reshape(len(z), 3, -1).transpose(1, 0, 2)
        distance = np.subtract.outer(kappa, np.arange(C.shape[1]))
        exponent = -np.exp(b)[..., None] * distance**2
        G = np.exp(a[..., None] + exponent)
        dlogG = G * np.einsum("bue,be->bu", C, dw)[:, None]
        dk = dkappa - 2 * np.einsum("bku,bk,bku->bk", dlogG, np.exp(b), distance)
        dz = np.stack([dlogG.sum(-1), (dlogG * exponent).sum(-1), dk * np.exp(k)], axis=1).reshape(z.shape)
        return dz, dk, np.einsum("bku,be->bue", G, dw)


STYLES = [Package, Vectorised, Loops, OtherAlgebra]
