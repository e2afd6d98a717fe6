"""`check.py MODELS`: whether this Python's OpenCV (Debian's is 4.6) gives for every exported model what PyTorch gave (probe.json). Needs no PyTorch."""

import json
import os
import sys

import cv2
import numpy as np

MOST_OFF = 0.01


def picture(size):
    """A picture that any language can make again."""
    y, x, c = np.mgrid[0 : size[1], 0 : size[0], 0:3]
    return ((x * x * 3 + y * 7 + c * 50 + (x * y) % 97) % 256).astype(np.uint8)


def differences(folder):
    """{file: largest difference}"""
    with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as handle:
        rows = json.load(handle)["models"]
    with open(os.path.join(folder, "probe.json"), encoding="utf-8") as handle:
        kept = json.load(handle)
    found = {}
    for row in rows:
        net, size, expected = cv2.dnn.readNetFromONNX(os.path.join(folder, row["file"])), row["input"], kept["outputs"][row["file"]]
        net.setInput(cv2.dnn.blobFromImage(picture(size), 1 / 64, tuple(size), (127.5,) * 3, swapRB=True))
        answers = [values.reshape(-1)[:: kept["every"]] for values in net.forward(list(expected))]
        found[row["file"]] = max(float(np.abs(a - np.array(b)).max()) for a, b in zip(answers, expected.values()))
    return found


def main():
    worst = 0.0
    for name, off in differences(sys.argv[1]).items():
        print(f"{name}: OpenCV {cv2.__version__} differs from PyTorch by at most {off:.2g}")
        worst = max(worst, off)
    if not worst < MOST_OFF:
        sys.exit(f"check: {sys.argv[1]}: this OpenCV computes other answers than PyTorch")


if __name__ == "__main__":
    main()
