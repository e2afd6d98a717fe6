"""The peer of `plates_*`: `rapidocr-onnxruntime` on one thread. Paths come on standard input, a line each; for each a JSON line goes out:
`texts`, everything that the peer could mean by a plate, and `ms`, from the decoded picture to the texts.

The peer reads all writing of a photo. A plate counts as read where it is one of its lines, or two lines of which one stands above the other, with
everything but letters, digits and Chinese characters left out.
"""

import json
import sys
import time

import cv2
import numpy as np
from rapidocr_onnxruntime import RapidOCR


def plain(text):
    return "".join(c for c in text.upper() if c.isalnum())


def texts(lines):
    for box, text in lines:
        yield plain(text)
        left, right, top, bottom = box[:, 0].min(), box[:, 0].max(), box[:, 1].min(), box[:, 1].max()
        for other, under in lines:
            middle = other[:, 0].mean()
            if left - 0.3 * (right - left) < middle < right + 0.3 * (right - left) and 0 < other[:, 1].mean() - (top + bottom) / 2 < 2 * (bottom - top):
                yield plain(text) + plain(under)


def main():
    cv2.setNumThreads(1)
    engine = RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)
    for line in sys.stdin:
        image = cv2.imread(line.rstrip("\n"))
        began = time.perf_counter()
        found, _ = engine(image)
        ms = (time.perf_counter() - began) * 1000
        read = sorted(set(texts([(np.array(box), text) for box, text, _ in found or []])))
        print(json.dumps({"texts": read, "ms": ms}), flush=True)


if __name__ == "__main__":
    main()
