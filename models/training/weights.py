"""Weights back out of the exported files: the .onnx files are all that a site has.

The exporter folded every batch norm into the convolution before it. Here the convolution takes the folded weights and the batch norm
keeps only the shift (mean 0, variance 1, scale 1): what comes out is the same, which `same_as_probe` checks with probe.json. Such a
net is trained on with its batch norms in eval mode (`settled`): there are no statistics to go on with.
"""

import json
import os

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from glyphs import CHARSET
from nets import Detector, Reader, Refiner
from trainer import Refused


def from_onnx(net, path):
    try:
        graph = onnx.load(path).graph
    except Exception as error:  # the reader of the format has many errors of its own
        raise Refused(f"{path} is no model that can be read: {error}") from error
    values = {item.name: torch.from_numpy(numpy_helper.to_array(item).copy()) for item in graph.initializer}
    state = net.state_dict()
    folded = [node.input[1:3] for node in graph.node if node.op_type == "Conv" and node.input[1] not in state]
    pairs = [(name, norm) for name, norm in net.named_modules() if isinstance(norm, nn.BatchNorm2d)]
    if len(folded) != len(pairs):
        raise Refused(f"{path} has {len(folded)} convolutions with a batch norm, the network {len(pairs)}: it is of another form")
    for (name, norm), (weight, bias) in zip(pairs, folded):
        before = name[: -len(name.split(".")[-1])] + str(int(name.split(".")[-1]) - 1)
        state[before + ".weight"] = values[weight]
        state[name + ".weight"], state[name + ".bias"] = torch.ones_like(norm.weight), values[bias]
        state[name + ".running_mean"], state[name + ".running_var"] = torch.zeros_like(norm.bias), torch.full_like(norm.bias, 1 - norm.eps)
    state.update({key: values[key] for key in state if key in values})
    try:
        net.load_state_dict(state)
    except RuntimeError as error:
        raise Refused(f"{path} is of another form: {error}") from error
    return net


def shipped(folder):
    """{name: net} of a folder of models."""
    nets = dict(detector=Detector(), refiner=Refiner(), reader=Reader(len(CHARSET) + 1))
    for name, net in nets.items():
        from_onnx(net, os.path.join(folder, name + ".onnx")).eval()
    off = same_as_probe(nets, folder)
    if off > 0.01:
        raise Refused(f"{folder}: the weights give other answers than probe.json (by {off:.3f}); the files do not belong together")
    return nets


def same_as_probe(nets, folder):
    """The largest difference to what stands in probe.json."""
    from export import DETECTOR_SIZE, probe
    from geometry import READER_SIZE, REFINER_SIZE

    with open(os.path.join(folder, "probe.json"), encoding="utf-8") as handle:
        kept = json.load(handle)
    sizes, worst = dict(detector=DETECTOR_SIZE, refiner=REFINER_SIZE, reader=READER_SIZE), 0.0
    for name, net in nets.items():
        _, answers = probe(net, sizes[name])
        for values, expected in zip(answers, kept["outputs"][name + ".onnx"].values()):
            worst = max(worst, float(np.abs(values.flatten()[:: kept["every"]].numpy() - np.array(expected)).max()))
    return worst


def settled(net):
    for norm in net.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.eval()
