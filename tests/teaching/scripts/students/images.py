"""Convolution and pooling by loops, channels first, each with its cache."""

import numpy as np


def conv_forward(x, w, b, conv_param):
    stride, pad = conv_param["stride"], conv_param["pad"]
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    rows = (padded.shape[2] - w.shape[2]) // stride + 1
    columns = (padded.shape[3] - w.shape[3]) // stride + 1
    out = np.zeros((len(x), len(w), rows, columns))
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            patch = padded[:, :, top : top + w.shape[2], left : left + w.shape[3]]
            out[:, :, i, j] = np.tensordot(patch, w, axes=((1, 2, 3), (1, 2, 3))) + b
    return out, (padded, w, conv_param)


def conv_backward(dout, cache):
    padded, w, conv_param = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    kernel = w
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            top, left = i * stride, j * stride
            here = (
                slice(None),
                slice(None),
                slice(top, top + w.shape[2]),
                slice(left, left + w.shape[3]),
            )
            dw += np.tensordot(dout[:, :, i, j], padded[here], axes=((0,), (0,)))
            dpadded[here] += np.tensordot(dout[:, :, i, j], kernel, axes=((1,), (0,)))
    db = dout.sum(axis=(0, 2, 3))
    dx = dpadded[:, :, pad:-pad, pad:-pad]
    return dx, dw, db


def max_pool_forward(x, pool_param):
    n = pool_param["pool_height"]
    N, C, H, W = x.shape
    windows = x.reshape(N, C, H // n, n, W // n, n)
    return windows.max(axis=(3, 5)), (windows, n)


def max_pool_backward(dout, cache):
    windows, n = cache
    share = windows == windows.max(axis=(3, 5), keepdims=True)
    N, C, rows, _, columns, _ = windows.shape
    return (share * dout[:, :, :, None, :, None]).reshape(N, C, rows * n, columns * n)
