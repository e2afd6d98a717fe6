"""Exports the trained networks to ONNX opset 11, writes the manifest and probe.json (what PyTorch gives for a picture that a test can make
again: vision/tests/models.rs compares), and with --check compares through this Python's OpenCV at once.

Outputs: detector "plates" 1 x 9 x H/8 x W/8 (its weights serve any input whose sides are multiples of 32); refiner "corners" 1 x 9;
reader "characters" 1 x slots x classes, "layout" 1 x 2, "country" 1 x 2, "colour" 1 x 6. The reader's temperature is part of the file:
its last convolution is divided by it.
"""

import argparse
import hashlib
import json
import os
import warnings

import cv2
import onnx
import torch

from check import MOST_OFF, differences, picture
from geometry import MARGIN, READER_SIZE, REFINER_SIZE, SURROUNDINGS
from glyphs import CHARSET
from nets import SLOTS, Detector, Reader, Refiner
from plates import COLOURS, COUNTRIES
from trainer import Refused

DETECTOR_SIZE = (384, 384)
PROBE_EVERY = 61  # of PyTorch's outputs for the probe picture, every 61st is kept beside the models


def settle(path):
    """Turns Constant nodes and Identity-of-initialiser nodes into initialisers: OpenCV 4.6 does not take the latter."""
    model = onnx.load(path)
    graph = model.graph
    values = {item.name: item for item in graph.initializer}
    keep = []
    for node in graph.node:
        if node.op_type == "Identity" and node.input[0] in values:
            copy = onnx.TensorProto()
            copy.CopyFrom(values[node.input[0]])
            copy.name = node.output[0]
            graph.initializer.append(copy)
            values[copy.name] = copy
        elif node.op_type == "Constant" and node.attribute[0].name == "value":
            copy = onnx.TensorProto()
            copy.CopyFrom(node.attribute[0].t)
            copy.name = node.output[0]
            graph.initializer.append(copy)
            values[copy.name] = copy
        else:
            keep.append(node)
    del graph.node[:]
    graph.node.extend(keep)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def cool(reader, temperature):
    """Softens the characters' distributions in the weights themselves."""
    with torch.no_grad():
        for parameter in (reader.head.weight, reader.head.bias):
            parameter /= temperature


def export(net, size, path, outputs, any_size=False):
    net.eval()
    example = torch.zeros(1, 3, size[1], size[0])
    axes = {"picture": {2: "height", 3: "width"}} if any_size else None
    with warnings.catch_warnings():  # of the older exporter, which OpenCV 4.6 needs
        warnings.simplefilter("ignore")
        torch.onnx.export(net, example, path, dynamo=False, opset_version=11, input_names=["picture"], output_names=outputs, dynamic_axes=axes)
    settle(path)


def probe(net, size):
    """check.py's picture, and what PyTorch makes of it."""
    made = picture(size)
    with torch.no_grad():
        expected = net((torch.from_numpy(made[None]).permute(0, 3, 1, 2).flip(1).float() - 127.5) / 64)
    return made, expected if isinstance(expected, tuple) else (expected,)


def row(folder, name, kind, size, version, more):
    path = os.path.join(folder, name)
    with open(path, "rb") as handle:
        content = handle.read()
    return dict(file=name, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content), kind=kind, input=list(size), version=version, **more)


def write(weights, out, version, temperature=1.0):
    """The models of a folder of weights into a folder, with manifest and probe; checked through this Python's OpenCV."""
    reader, refiner, detector = Reader(len(CHARSET) + 1), Refiner(), Detector()
    for net, name in ((reader, "reader"), (refiner, "refiner"), (detector, "detector")):
        net.load_state_dict(torch.load(os.path.join(weights, name + ".pt"), map_location="cpu"))
    cool(reader, temperature)
    jobs = [
        (detector, DETECTOR_SIZE, "detector.onnx", ["plates"]),
        (refiner, REFINER_SIZE, "refiner.onnx", ["corners"]),
        (reader, READER_SIZE, "reader.onnx", ["characters", "layout", "country", "colour"]),
    ]
    probes = {}
    for net, size, name, outputs in jobs:
        path = os.path.join(out, name)
        export(net, size, path, outputs, any_size=net is detector)
        _, expected = probe(net, size)
        probes[name] = {o: [round(float(v), 5) for v in values.flatten()[::PROBE_EVERY]] for o, values in zip(outputs, expected)}
    with open(os.path.join(out, "probe.json"), "w", encoding="utf-8") as handle:
        json.dump({"every": PROBE_EVERY, "outputs": probes}, handle)
        handle.write("\n")
    countries = [country.upper() for country in COUNTRIES]
    reads = dict(slots=SLOTS, classes=["blank"], charset=CHARSET, countries=countries, colours=COLOURS, margin=MARGIN)
    rows = [
        row(out, "detector.onnx", "detector", DETECTOR_SIZE, version, dict(classes=["plate"])),
        row(out, "refiner.onnx", "refiner", REFINER_SIZE, version, dict(classes=["plate"], surroundings=SURROUNDINGS)),
        row(out, "reader.onnx", "reader", READER_SIZE, version, reads),
    ]
    with open(os.path.join(out, "manifest.json"), "w", encoding="utf-8") as handle:
        json.dump({"models": rows}, handle, ensure_ascii=False, indent=2)
        handle.write("\n")
    for name, off in differences(out).items():
        print(f"{name}: OpenCV {cv2.__version__} differs from PyTorch by at most {off:.2g}", flush=True)
        if not off < MOST_OFF:
            raise Refused(f"{name}: OpenCV {cv2.__version__} gives other answers than PyTorch (by {off:.3g})")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--weights", required=True, help="folder with detector.pt, refiner.pt and reader.pt")
    parser.add_argument("--out", required=True, help="folder for the models and manifest.json")
    parser.add_argument("--temperature", type=float, default=1.0, help="divides the reader's logits (pipeline.py --calibrate finds it)")
    parser.add_argument("--version", default="1")
    parser.add_argument("--check", action="store_true", help="compare with PyTorch through this Python's OpenCV: always done")
    args = parser.parse_args()
    torch.set_num_threads(1)
    os.makedirs(args.out, exist_ok=True)
    write(args.weights, args.out, args.version, args.temperature)


if __name__ == "__main__":
    main()
