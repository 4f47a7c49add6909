"""PyTorch, which is oneDNN there, in the comparison of convolutions: peers_conv_worker.py THREADS. Understands the
lines that peers_conv.lua does, with these ways: plain; channels_last; blocked, oneDNN's own order of elements, in
which the weights lie already.
"""

import sys
import time

import numpy
import torch

from peers_clock import seconds_a_call

PICTURES, ENOUGH = 32, 0.05  # as in peers_conv.lua


def numbers(shape, factor):
    """fnet's tensor of that shape, its last two axes moved to where PyTorch has channels."""
    values = numpy.arange(numpy.prod(shape), dtype=numpy.int64) * factor % 1009 / 1009 - 0.5
    return torch.from_numpy(values.astype(numpy.float32).reshape(shape))


def new_pass(inputs, units, side, kernel, wanted, way):
    """What runs the pass, and what makes fnet's order of elements of its result."""
    x = numbers((PICTURES, side, side, inputs), 389).permute(0, 3, 1, 2)
    w = numbers((kernel, kernel, inputs, units), 577).permute(3, 2, 0, 1)
    dy = numbers((PICTURES, side, side, units), 751).permute(0, 3, 1, 2)
    layout = torch.channels_last if way == "channels_last" else torch.contiguous_format
    x, w, dy = (t.contiguous(memory_format=layout) for t in (x, w, dy))
    pad, one = [kernel // 2] * 2, [1, 1]
    if wanted == "y" and way == "blocked":
        x, w = x.to_mkldnn(), torch._C._nn.mkldnn_reorder_conv2d_weight(w.to_mkldnn(), pad, one, one, 1)
        return lambda: torch.mkldnn_convolution(x, w, None, pad, one, one, 1), \
            lambda y: y.to_dense().permute(0, 2, 3, 1)
    if wanted == "y":
        return lambda: torch.nn.functional.conv2d(x, w, padding=pad), lambda y: y.permute(0, 2, 3, 1)
    which = 1 if wanted == "dw" else 0

    def backward():
        return torch.ops.aten.convolution_backward(dy, x, w, None, one, pad, one, False, [0, 0], 1,
                                                   [which == 0, which == 1, False])[which]

    return backward, lambda d: d.permute(2, 3, 1, 0) if which else d.permute(0, 2, 3, 1)


def samples(tensor):
    flat = tensor.reshape(-1)
    values = [flat[(len(flat) - 1) * k // 8].item() for k in range(9)] + [flat.abs().mean().item()]
    return " ".join("%.9g" % value for value in values)


def main(threads):
    torch.set_num_threads(threads)
    clock = time.process_time if threads == 1 else time.perf_counter
    print("ready", torch.__version__, flush=True)
    asked = None
    for line in sys.stdin:
        request, *case = line.split()
        if case != asked:
            asked, (run, ordered) = case, new_pass(*map(int, case[:4]), *case[4:])
        if request == "check":
            print(samples(ordered(run())), flush=True)
        else:
            print("%.9g" % seconds_a_call(run, ENOUGH, clock), flush=True)


with torch.inference_mode():
    main(int(sys.argv[1]))
