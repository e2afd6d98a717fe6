"""The same photos through `rapidocr-onnxruntime` (PyPI), the strongest of the general systems: exact texts and time, one thread.

`peer.py DATA [--sets vn,cn] [--every N]`. The peer reads all writing in a photo; it is counted right where the plate's text is one of its lines, or two
lines of which one stands above the other, with everything but letters, digits and Chinese characters left out.
"""

import argparse
import time

import cv2
import numpy as np
from rapidocr_onnxruntime import RapidOCR

import data
from pipeline import classes, interval


def plain(text):
    return "".join(c for c in text.upper() if c.isalnum())


def candidates(lines):
    """Every line, and every line with the one under it."""
    for box, text in lines:
        yield plain(text)
        left, right, top, bottom = box[:, 0].min(), box[:, 0].max(), box[:, 1].min(), box[:, 1].max()
        for other, under in lines:
            middle = other[:, 0].mean()
            if left - 0.3 * (right - left) < middle < right + 0.3 * (right - left) and 0 < other[:, 1].mean() - (top + bottom) / 2 < 2 * (bottom - top):
                yield plain(text) + plain(under)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--sets", default="vn,cn")
    parser.add_argument("--every", type=int, default=1)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    engine = RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)
    for name in args.sets.split(","):
        rows = [r for r in data.rows(args.data, name) if not (r["train_ok"] == "yes" and not data.held_out(r["file"]))][:: args.every]
        answers, times, counts = {}, [], {}
        for row in rows:
            if row["path"] not in answers:
                began = time.process_time()
                found, _ = engine(cv2.imread(row["path"]))
                times.append((time.process_time() - began) * 1000)
                answers[row["path"]] = set(candidates([(np.array(box), text) for box, text, _ in found or []]))
            for key in classes(row):
                counts.setdefault(key, [0, 0])
                counts[key][0] += 1
                counts[key][1] += row["plate_text"] in answers[row["path"]]
        for key, (total, exact) in sorted(counts.items()):
            low, high = interval(exact, total)
            print(f"rapidocr {name:9} {key:18} {total:4} exact {exact:3} {exact / total:6.1%} ({low:.1%}-{high:.1%})")
        print(f"rapidocr {name:9} processor ms median {np.median(times):.0f}, 95 % {np.percentile(times, 95):.0f}", flush=True)


if __name__ == "__main__":
    main()
