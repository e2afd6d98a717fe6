"""The whole way from a photo to texts in Python, as vision/src goes it: for progress and for choosing between checkpoints.

`pipeline.py WEIGHTS DATA [--sets vn,cn]` prints exact matches a set and class. Choice between models is made on the selection part
only (`data.held_out` of the photo's name, for every set); `rest` is what was never looked at for a choice.
"""

import argparse
import os
from collections import defaultdict
from dataclasses import dataclass

import cv2
import numpy as np
import torch

import data
import geometry
from data import edits, interval
from glyphs import CHARSET
from grammar import likeliest
from nets import Detector, Reader, Refiner
from plates import COLOURS, COUNTRIES
from scene import unit

AREA = 384 * 384  # pixels of the detector's input
CELL, UNIT = 8, 64.0
LEAST_HEAT, LEAST_PLATE, MAX_OVERLAP = 0.12, 0.35, 0.3
WARM, SHARE = 0.25, 0.4  # what is less warm, or has less than this share of the warmest, is looked at only where nothing is warmer
MOST = 4  # plates of one frame
MOST_LOOKS, FAR = 4, 0.3  # a corner that moved further (units of 32 pixels) is looked at once more


@dataclass
class Found:
    quad: np.ndarray
    confidence: float
    text: str = ""
    sure: float = 0.0
    logits: np.ndarray = None
    two_line: bool = False
    country: str = ""
    colour: str = ""


def input_size(width, height, area=AREA):
    """Multiples of 32 with about `area` pixels and the frame's proportions."""
    across = int(np.clip(round((area * width / height) ** 0.5 / 32), 6, 24)) * 32
    return across, int(np.clip(round(area / across / 32), 6, 24)) * 32


def tensor(images):
    return (torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).flip(1).float() - 127.5) / 64


def box_overlap(a, b):
    (al, ah), (bl, bh) = (a.min(0), a.max(0)), (b.min(0), b.max(0))
    shared = np.maximum(0, np.minimum(ah, bh) - np.maximum(al, bl)).prod()
    return shared / ((ah - al).prod() + (bh - bl).prod() - shared + 1e-6)


class Pipeline:
    def __init__(self, weights="", area=AREA, passes=1, by_grammar=False, nets=None):
        self.area, self.passes, self.by_grammar = area, passes, by_grammar
        self.nets = {}
        if nets:
            self.nets = {name: net.eval() for name, net in nets.items()}
            return
        for name, net in (("detector", Detector()), ("refiner", Refiner()), ("reader", Reader(len(CHARSET) + 1))):
            path = os.path.join(weights, name + ".pt")
            if os.path.exists(path):
                net.load_state_dict(torch.load(path, map_location="cpu"))
            self.nets[name] = net.eval()

    @torch.no_grad()
    def detect(self, image):
        height, width = image.shape[:2]
        across, down = input_size(width, height, self.area)
        scale = min(across / width, down / height)
        inner = (max(1, min(across, round(width * scale))), max(1, min(down, round(height * scale))))
        small = np.full((down, across, 3), 114, np.uint8)
        small[: inner[1], : inner[0]] = cv2.resize(image, inner, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        out = self.nets["detector"](tensor([small]))[0].numpy()
        heat = out[0]
        peaks = (cv2.dilate(heat, np.ones((3, 3), np.uint8)) == heat) & (heat > np.log(LEAST_HEAT / (1 - LEAST_HEAT)))
        found = []
        for y, x in zip(*np.nonzero(peaks)):
            quad = np.array([(x + 0.5) * CELL, (y + 0.5) * CELL]) + out[1:, y, x].reshape(4, 2) * UNIT
            if np.ptp(quad[:, 0]) > 6 and np.ptp(quad[:, 1]) > 2:
                found.append(Found((quad / scale).astype(np.float32), 1 / (1 + np.exp(-heat[y, x]))))
        found = thin_out(found)
        return [one for one in found if one.confidence >= max(WARM, SHARE * found[0].confidence)] or found[:1]

    @torch.no_grad()
    def refine(self, image, one):
        for turn in range(MOST_LOOKS):
            picture, matrix = geometry.look_closer(image, one.quad)
            out = self.nets["refiner"](tensor([picture]))[0].numpy()
            one.quad = geometry.refined(out, matrix)
            if out[8] < -2 or turn + 1 >= self.passes and np.abs(out[:8]).max() < FAR:
                break
        plate = 1 / (1 + np.exp(-out[8]))
        one.confidence = float(np.sqrt(one.confidence * plate))
        return plate

    @torch.no_grad()
    def read(self, image, one):
        picture, _ = geometry.straighten(image, one.quad)
        characters, layout, country, colour = self.nets["reader"](tensor([picture]))
        one.logits = characters[0].numpy()
        probabilities = torch.softmax(characters[0], 1)
        one.text = "".join(CHARSET[i - 1] for i in probabilities.argmax(1).tolist() if i)
        one.sure = float(probabilities.max(1).values.prod())
        if self.by_grammar:
            one.text, one.sure = likeliest(one.logits)[0]
        one.two_line = bool(layout[0, 1] > layout[0, 0])
        one.country, one.colour = COUNTRIES[int(country.argmax())], COLOURS[int(colour.argmax())]
        return one

    def find(self, image):
        found = [one for one in self.detect(image) if self.refine(image, one) > LEAST_PLATE]
        return [self.read(image, one) for one in thin_out(found)]


def thin_out(found):
    kept = []
    for one in sorted(found, key=lambda f: -f.confidence):
        if len(kept) < MOST and all(box_overlap(one.quad, other.quad) <= MAX_OVERLAP for other in kept):
            kept.append(one)
    return kept


def evaluate(pipeline, folder, name, refine_crops=False):
    """[(row, exact, found, near, text, Found or None)] of every plate that was not trained on."""
    rows = [r for r in data.rows(folder, name) if not (r["train_ok"] == "yes" and not data.held_out(r["file"]))]
    answers, results = {}, []
    for row in rows:
        if row["path"] not in answers:
            image = cv2.imread(row["path"])
            if row["w"]:
                answers[row["path"]] = pipeline.find(image)
            else:
                one = Found(unit(image.shape[1], image.shape[0]), 1.0)
                if refine_crops:
                    pipeline.refine(image, one)
                answers[row["path"]] = [pipeline.read(image, one)]
        found = answers[row["path"]]
        best = None
        if row["w"]:
            x, y, w, h = [float(row[k]) for k in "xywh"]
            box = unit(w, h) + (x, y)
            best = max(found, key=lambda f: box_overlap(f.quad, box), default=None)
            if best is not None and box_overlap(best.quad, box) < 0.2:
                best = None
        else:
            best = found[0]
        exact = best is not None and best.text == row["plate_text"]
        results.append((row, exact, best is not None, best is not None and edits(best.text, row["plate_text"]) <= 1, best.text if best else "", best))
    return results


def classes(row):
    yield "all"
    yield f"{row['kind']} {row['lines']}-line"
    if row["colour"] in ("yellow", "blue", "black", "green"):
        yield f"colour {row['colour']}"
    if row["kind"] in ("car", "truck"):
        yield "cars and trucks"
    if row["lines"] == "2":
        yield "two-line"
    yield "selection" if data.held_out(row["file"]) else "rest"


def table(results):
    """{class: [plates, found, exact, within one character]}"""
    counts = defaultdict(lambda: [0, 0, 0, 0])
    for row, exact, found, near, _, _ in results:
        for key in classes(row):
            for k, v in enumerate((1, found, exact, near)):
                counts[key][k] += v
    return counts


def beside(results):
    """{what: [right, of]} for country, colour and lines, of plates that were found."""
    counts = defaultdict(lambda: [0, 0])
    for row, _, _, _, _, one in results:
        if one is None:
            continue
        country = "cn" if any(ord(c) > 127 for c in row["plate_text"]) else "vn"
        for key, want, have in (("country", country, one.country), ("colour", row["colour"], one.colour), ("lines", row["lines"], str(1 + one.two_line))):
            if want:
                counts[key][0] += want == have
                counts[key][1] += 1
    return counts


def plate_probability(logits, temperature):
    scaled = logits / temperature
    scaled = scaled - scaled.max(1, keepdims=True)
    probabilities = np.exp(scaled) / np.exp(scaled).sum(1, keepdims=True)
    return float(probabilities.max(1).prod())


def temperature_of(results):
    """The temperature under which the plates' probabilities fit best (least log loss of "the whole plate is right")."""
    best = (1e9, 1.0)
    for temperature in np.exp(np.linspace(np.log(0.4), np.log(4), 70)):
        loss = 0.0
        for _, exact, _, _, _, one in results:
            if one is not None:
                p = min(max(plate_probability(one.logits, temperature), 1e-4), 1 - 1e-4)
                loss -= np.log(p) if exact else np.log(1 - p)
        best = min(best, (loss, float(temperature)))
    return best[1]


def reliability(results, temperature, bins=10):
    """(expected calibration error, [(mean confidence, share right, count)])"""
    pairs = [(plate_probability(one.logits, temperature), exact) for _, exact, _, _, _, one in results if one is not None]
    rows, error = [], 0.0
    for k in range(bins):
        inside = [(p, e) for p, e in pairs if k / bins <= p < (k + 1) / bins or (k == bins - 1 and p >= 1)]
        if inside:
            mean, right = np.mean([p for p, _ in inside]), np.mean([e for _, e in inside])
            rows.append((float(mean), float(right), len(inside)))
            error += abs(mean - right) * len(inside) / len(pairs)
    return error, rows


def false_reads(pipeline, folder, threshold=0.5):
    """(photos without a plate, answers, those with at least this plate probability)"""
    images = sorted(os.listdir(os.path.join(folder, "neg", "images")))
    answers = [one for name in images for one in pipeline.find(cv2.imread(os.path.join(folder, "neg", "images", name)))]
    return len(images), len(answers), sum(plate_probability(one.logits, 1.0) >= threshold for one in answers)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("weights")
    parser.add_argument("data")
    parser.add_argument("--sets", default="vn,cn")
    parser.add_argument("--area", type=int, default=384)
    parser.add_argument("--passes", type=int, default=1)
    parser.add_argument("--grammar", action="store_true", help="weigh the readings by the countries' grammars")
    parser.add_argument("--misread", action="store_true")
    parser.add_argument("--calibrate", action="store_true", help="fit the temperature on the selection part, judge it on the rest")
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    pipeline = Pipeline(args.weights, args.area**2, args.passes, args.grammar)
    everything = []
    for name in args.sets.split(","):
        if name == "neg":
            print("neg: photos, answers, answers with probability 0.5 or more:", *false_reads(pipeline, args.data), flush=True)
            continue
        results = evaluate(pipeline, args.data, name)
        everything += results
        for key, (total, found, exact, near) in sorted(table(results).items()):
            low, high = interval(exact, total)
            print(f"{name:9} {key:18} {total:4} found {found / total:6.1%} exact {exact:3} {exact / total:6.1%} ({low:.1%}-{high:.1%}) within one {near / total:6.1%}", flush=True)
        for key, (right, total) in beside(results).items():
            print(f"{name:9} {key:18} right for {right} of {total}", flush=True)
        if args.misread:
            for row, exact, _, _, text, _ in results:
                if not exact:
                    print("   ", row["file"], row["plate_text"], text or "-")
    if args.calibrate:
        chosen = [r for r in everything if data.held_out(r[0]["file"]) and not r[0]["source"].startswith("liuruoze")]
        rest = [r for r in everything if r not in chosen]
        temperature = temperature_of(chosen)
        for label, value in (("as trained", 1.0), (f"temperature {temperature:.2f}", temperature)):
            error, rows = reliability(rest, value)
            print(f"{label}: expected calibration error {error:.3f};", " ".join(f"{mean:.2f}:{right:.2f}({count})" for mean, right, count in rows))


if __name__ == "__main__":
    main()
