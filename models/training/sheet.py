"""Draws known-failures.jpg for the card: held-out synthetic scenes that the models read wrongly, what stood there and what was read.

`sheet.py MODELS OUT.jpg`: of every class of synthetic.py the first scenes that are read wrongly, straightened as the reader saw them;
a plate that was not found is shown where it is. Prints the classes' figures as pipeline.py computes them.
"""

import argparse

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

import geometry
import synthetic
import weights
from glyphs import find_font
from pipeline import Pipeline, box_overlap

CELL, CAPTION, ACROSS = (192, 64), 34, 6
MOST_BYTES = 200_000


def wrong(pipeline, each, shown):
    """[(class, scene, Found or None)] of what was read wrongly, `shown` of a class at most; prints every class."""
    kept, counts = [], {}
    for made in synthetic.scenes(each):
        best = max(pipeline.find(made.image), key=lambda f: box_overlap(f.quad, made.quad), default=None)
        best = best if best is not None and box_overlap(best.quad, made.quad) >= 0.3 else None
        right, total, some = counts.get(made.name, (0, 0, 0))
        good = best is not None and best.text == made.plate.text
        if not good and some < shown:
            kept.append((made, best))
        counts[made.name] = (right + good, total + 1, some + (not good))
    for name, (right, total, _) in counts.items():
        print(f"{name:22} {right} of {total}")
    return kept


def sheet(cells):
    font = ImageFont.truetype(find_font("NotoSansCJK-Regular.ttc") or find_font("wqy-zenhei.ttc"), 12, index=0)
    rows = -(-len(cells) // ACROSS)
    page = Image.new("RGB", (ACROSS * (CELL[0] + 8), rows * (CELL[1] + CAPTION + 8)), "white")
    pen = ImageDraw.Draw(page)
    for k, (made, found) in enumerate(cells):
        x, y = k % ACROSS * (CELL[0] + 8) + 4, k // ACROSS * (CELL[1] + CAPTION + 8) + 4
        picture, _ = geometry.straighten(made.image, found.quad if found else geometry.parallelogram(made.quad))
        page.paste(Image.fromarray(np.ascontiguousarray(picture[:, :, ::-1])), (x, y))
        pen.text((x, y + CELL[1]), made.name, "gray", font)
        told = f"{made.plate.text} read {found.text or 'nothing'} ({found.sure:.2f})" if found else f"{made.plate.text} not found"
        pen.text((x, y + CELL[1] + 15), told, "black", font)
    return cv2.cvtColor(np.asarray(page), cv2.COLOR_RGB2BGR)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("models")
    parser.add_argument("out")
    parser.add_argument("--each", type=int, default=40)
    parser.add_argument("--shown", type=int, default=2)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    page = sheet(wrong(Pipeline(nets=weights.shipped(args.models)), args.each, args.shown))
    for quality in range(85, 20, -5):
        packed = cv2.imencode(".jpg", page, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        if len(packed) < MOST_BYTES:
            break
    packed.tofile(args.out)
    print(f"{args.out}: {len(packed)} bytes")


if __name__ == "__main__":
    main()
