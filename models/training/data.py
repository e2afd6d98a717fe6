"""Real photos that may be trained on, and the rule that keeps a part of them for evaluation.

Only rows with `train_ok = yes` are ever returned. A file is held out when the SHA-256 of its name begins with a hex
digit 0..3; the same rule is used by training and by evaluate.py.
"""

import csv
import hashlib
import os


def held_out(name):
    return hashlib.sha256(name.encode()).hexdigest()[0] in "0123"


def rows(data, name):
    path = os.path.join(data, name, "labels.csv")
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as handle:
        return [dict(row, path=os.path.join(data, name, "images", row["file"])) for row in csv.DictReader(handle)]


def trainable(data, name):
    """[(BGR image, [(text, (x, y, w, h) or None)], file name)] of the set's photos that are free and not held out."""
    import cv2  # evaluation needs none

    photos = {}
    for row in rows(data, name):
        if row["train_ok"] == "yes" and not held_out(row["file"]):
            box = tuple(float(row[k]) for k in "xywh") if row["w"] else None
            photos.setdefault(row["path"], []).append((row["plate_text"], box))
    found = [(cv2.imread(path), plates, os.path.basename(path)) for path, plates in photos.items()]
    return [one for one in found if one[0] is not None]


def edits(a, b):
    """Characters to add, drop or change."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        above, row = row, [i + 1]
        for j, y in enumerate(b):
            row.append(min(above[j] + (x != y), above[j + 1] + 1, row[j] + 1))
    return row[-1]


def interval(hits, total, z=1.96):
    """Wilson's 95 % interval of a share."""
    if not total:
        return 0.0, 1.0
    p, n = hits / total, total
    middle, half = p + z * z / (2 * n), z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    return max(0.0, (middle - half) / (1 + z * z / n)), min(1.0, (middle + half) / (1 + z * z / n))
