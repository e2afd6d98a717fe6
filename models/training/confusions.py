"""What the shipped networks take for what, and what a frame's size, sharpness and slant say of its read:

    confusions.py reads  MODELS DATA OUT.npz [--vehicles 1500] [--seed 77]    the refiner and the reader over rendered plates seen several times
    confusions.py real   MODELS DATA OUT.npz                                  the same over the real photos, each also shrunk and blurred on purpose
    confusions.py stand  MODELS DATA OUT.npz                                  vehicles that stand: seven like frames and one other
    confusions.py table  OUT.npz... > ../../lane-core/src/plate/confusions.csv  what is taken for what; and, on standard error, classes made of it
    confusions.py weigh  OUT.npz...                                           fused reads before and after weighing, with each measure left out

A rendered vehicle keeps its plate, dirt, light and surroundings; size and camera are drawn anew each view. The weights' search is
a coordinate search over `weigh`'s rules on one set of vehicles; what is told of it was measured on others and on the real photos. Measures are those of vision/src/measure.rs, computed on the reader's own picture.
"""

import argparse
import os
import sys
from collections import defaultdict

import cv2
import numpy as np

VIEWS = 7
BLUR_SHARE = 0.45  # of views that are blurred more than the camera's own blur


def sessions(models):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return {name: onnxruntime.InferenceSession(os.path.join(models, name + ".onnx"), options) for name in ("refiner", "reader")}


def tensor(picture):
    return ((picture.transpose(2, 0, 1)[None, ::-1].astype(np.float32)) - 127.5) / 64


def measures(image, quad, picture):
    """What vision/src/measure.rs measures: [width px, height px, sharpness, slant, inside, glare, dark, contrast] as integers, permille but for pixels."""
    edge = lambda a, b: float(np.hypot(*(quad[a] - quad[b])))
    top, bottom, left, right = edge(0, 1), edge(3, 2), edge(0, 3), edge(1, 2)
    u, v = (quad[1] - quad[0] + quad[2] - quad[3]) / 2, (quad[3] - quad[0] + quad[2] - quad[1]) / 2
    lean = abs(float(u @ v)) / max(1e-6, float(np.hypot(*u) * np.hypot(*v)))  # |cos| between the axes
    taper = 1 - min(left, right) / max(left, right, 1e-6)
    roll = abs(float(u[1])) / max(1e-6, float(np.hypot(*u)))
    height, width = image.shape[:2]
    grid = np.array([quad[0] + (quad[1] - quad[0]) * x + ((quad[3] - quad[0]) + (quad[2] - quad[3] - quad[1] + quad[0]) * x) * y for y in np.linspace(0, 1, 9) for x in np.linspace(0, 1, 17)])
    inside = float(((grid >= 0) & (grid <= (width - 1, height - 1))).all(1).mean())
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    soft = cv2.GaussianBlur(grey, (0, 0), 1.0).astype(np.float32)
    low, high = np.percentile(soft, 5), np.percentile(soft, 95)
    contrast = max(1.0, float(high - low))
    across = np.abs(soft[:, 2:] - soft[:, :-2]) / 2
    down = np.abs(soft[2:] - soft[:-2]) / 2
    fine = grey.astype(np.float32) - soft
    return [
        (top + bottom) / 2,
        (left + right) / 2,
        1000 * float(np.percentile(across, 95)) / contrast,
        1000 * float(np.percentile(down, 95)) / contrast,
        1000 * float(np.percentile(np.abs(fine), 90)) / contrast,
        1000 * lean,
        1000 * taper,
        1000 * roll,
        1000 * inside,
        1000 * float((grey >= 250).mean()),
        1000 * float((grey <= 8).mean()),
        contrast,
    ]


class Looker:
    def __init__(self, models):
        self.nets = sessions(models)

    def look(self, image, quad):
        """(log-probabilities places x classes, quad, measures, two lines?, plate probability) after the refiner's own looks."""
        import geometry

        for _ in range(4):
            picture, matrix = geometry.look_closer(image, quad)
            out = self.nets["refiner"].run(None, {"picture": tensor(picture)})[0][0]
            quad = geometry.refined(out, matrix)
            if out[8] < -2 or np.abs(out[:8]).max() < 0.3:
                break
        picture, _ = geometry.straighten(image, quad)
        characters, layout, _, _ = self.nets["reader"].run(None, {"picture": tensor(picture)})
        logits = characters[0]
        logs = logits - logits.max(1, keepdims=True)
        logs = logs - np.log(np.exp(logs).sum(1, keepdims=True))
        return logs, quad, measures(image, quad, picture), bool(layout[0, 1] > layout[0, 0]), 1 / (1 + np.exp(-float(out[8])))


def composed(rng, pool, stock):
    """(picture 640 x 420, corners, plate): one plate in its surroundings, before any camera."""
    import scene

    size = (640, 420)
    plate = pool.take(rng)
    ratio = plate.image.shape[0] / plate.image.shape[1]
    across = 300 if ratio < 0.45 else 220
    corners = scene.pose(rng, across, ratio, 0.4) + np.array(size) / 2 + rng.normal(0, 8, 2)
    photo = stock[rng.integers(len(stock))] if stock and rng.random() < 0.6 else None
    if photo:
        own = photo.plates[rng.integers(len(photo.plates))]
        u, v = scene.axes(own[1])
        like = scene.pose(rng, across * rng.uniform(0.85, 1.1), np.linalg.norm(v) / max(1.0, np.linalg.norm(u)), 0) + corners.mean(0)
        image, _ = scene.cut(photo, rng, size, like, own[1], False)
    else:
        image = scene.synthetic_background(rng, *size)
    scene.lay(image, rng, plate, corners)
    if rng.random() < 0.08:
        scene.cover(image, rng, corners)
    return image, corners, plate


def blurred(rng, image, plate_px):
    """Out of focus or moving, more than a careful camera allows."""
    much = plate_px * rng.uniform(0.005, 0.04)
    if rng.random() < 0.5:
        return cv2.GaussianBlur(image, (0, 0), max(0.3, much / 1.5))
    length = max(1, int(round(much * 2)))
    kernel = np.ones((1, length), np.float32) / length
    return cv2.filter2D(image, -1, kernel if rng.random() < 0.7 else kernel.T)


def reads(args):
    import augment
    import scene
    from glyphs import Faces
    from train_close import jittered

    rng = np.random.default_rng(args.seed)
    stock = scene.photos(args.data)
    pool = scene.Pool(rng, Faces(), 250)
    looker, rows = Looker(args.models), []
    for vehicle in range(args.vehicles):
        image, corners, plate = composed(rng, pool, stock)
        full = np.linalg.norm(corners[1] - corners[0])
        for view in range(VIEWS):
            wanted = np.exp(rng.uniform(np.log(26), np.log(290)))
            factor = min(1.0, wanted / full)
            small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
            seen = corners * (small.shape[1] / image.shape[1], small.shape[0] / image.shape[0])
            if rng.random() < BLUR_SHARE:
                small = blurred(rng, small, full * factor)
            low, high = np.floor(seen.min(0) - 60 - np.ptp(seen[:, 0]) * 0.3), np.ceil(seen.max(0) + 60 + np.ptp(seen[:, 0]) * 0.3)
            low, high = np.maximum(low, 0).astype(int), np.minimum(high, small.shape[1::-1]).astype(int)
            if rng.random() < 0.06:  # cut at the frame's edge
                high[0] = int(seen[:, 0].max() - rng.uniform(0, 0.2) * np.ptp(seen[:, 0]))
            small, seen = small[low[1] : high[1], low[0] : high[0]], seen - low
            if min(small.shape[:2]) < 12:
                continue
            small = augment.camera(np.ascontiguousarray(small), rng, full * factor)
            logs, quad, measured, two, sure = looker.look(small, jittered(rng, seen.astype(np.float32), 0.6))
            rows.append((logs, plate.text, vehicle, measured, two, sure))
        if vehicle % 200 == 199:
            print(vehicle + 1, "vehicles", flush=True)
    save(args.out, rows)


def save(path, rows):
    np.savez_compressed(
        path,
        logs=np.array([r[0] for r in rows], np.float16),
        text=np.array([r[1] for r in rows]),
        vehicle=np.array([r[2] for r in rows], np.int32),
        measures=np.array([r[3] for r in rows], np.float32),
        two=np.array([r[4] for r in rows], bool),
        sure=np.array([r[5] for r in rows], np.float32),
    )


def stand(args):
    """A vehicle that stands: VIEWS frames that differ by the sensor's noise and the compression only, then VIEWS others as in `reads`."""
    import augment
    import scene
    from glyphs import Faces
    from train_close import jittered

    rng = np.random.default_rng(args.seed)
    stock, looker, rows = scene.photos(args.data), Looker(args.models), []
    pool = scene.Pool(rng, Faces(), 250)
    for vehicle in range(args.vehicles):
        image, corners, plate = composed(rng, pool, stock)
        full = np.linalg.norm(corners[1] - corners[0])
        for place in range(2):  # where it stands, and where it stood before
            factor = min(1.0, np.exp(rng.uniform(np.log(30), np.log(200))) / full)
            small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
            seen = (corners * factor).astype(np.float32)
            if rng.random() < BLUR_SHARE:
                small = blurred(rng, small, full * factor)
            small = augment.camera(small, rng, full * factor)
            for _ in range(VIEWS if place == 0 else 1):
                shift = np.float32([[1, 0, rng.normal(0, 0.15)], [0, 1, rng.normal(0, 0.15)]])
                frame = cv2.warpAffine(small, shift, small.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
                frame = np.clip(frame + rng.normal(0, 2.5, frame.shape), 0, 255).astype(np.uint8)
                frame = cv2.imdecode(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 80])[1], cv2.IMREAD_COLOR)
                logs, quad, measured, two, sure = looker.look(frame, jittered(rng, seen, 0.3))
                rows.append((logs, plate.text, vehicle, measured, two, sure))
    save(args.out, rows)


def real(args):
    import data
    from scene import unit
    from train_close import jittered

    rng = np.random.default_rng(args.seed)
    looker, rows = Looker(args.models), []
    for name in args.sets.split(","):
        for number, row in enumerate(data.rows(args.data, name)):
            if not row["w"] or row["train_ok"] == "yes" and not data.held_out(row["file"]):
                continue
            image = cv2.imread(row["path"])
            x, y, w, h = [float(row[k]) for k in "xywh"]
            box = unit(w, h) + (x, y)
            for view in range(VIEWS):
                wanted = np.exp(rng.uniform(np.log(26), np.log(220))) if view else w
                factor = min(1.0, wanted / w)
                small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA) if factor < 1 else image
                if view and rng.random() < BLUR_SHARE:
                    small = blurred(rng, small, w * factor)
                logs, quad, measured, two, sure = looker.look(small, jittered(rng, (box * factor).astype(np.float32), 0.3))
                rows.append((logs, row["plate_text"], number + 100000 * (name == "cn"), measured, two, sure))
        print(name, len(rows), flush=True)
    save(args.out, rows)


FLOOR, CAP = -9.0, 1.5
RULES = {"sharpness": (60, 170, 0.05), "line": (7, 20, 0.1), "contrast": (10, 80, 0.3), "inside": (700, 1000, 0.2)}


def load(path):
    """[[(symbols x log-probabilities as the worker sends them, true classes, measures, two lines?)] of each vehicle]"""
    from glyphs import CHARSET

    known, found = {char: k for k, char in enumerate(CHARSET)}, np.load(path)
    vehicles = defaultdict(list)
    logs, texts = found["logs"].astype(np.float32), found["text"]
    for k in range(len(texts)):
        best = logs[k].argmax(1)
        slots = [sent(logs[k][place, 1:]) for place in range(len(best)) if best[place]]
        if len(slots) >= 4 and all(c in known for c in texts[k]):
            vehicles[(int(found["vehicle"][k]), str(texts[k]))].append((np.array(slots), np.array([known[c] for c in texts[k]]), found["measures"][k], bool(found["two"][k])))
    return list(vehicles.values())


def sent(logs):
    """The eight likeliest, and what they leave shared by the others."""
    named = [k for n, k in enumerate(np.argsort(-logs)[:8]) if n == 0 or logs[k] >= -9.21]
    rest = max(1 - np.exp(logs[named]).sum(), 2e-9)
    slot = np.full(len(logs), max(np.log(rest / (len(logs) - len(named))), -20), np.float32)
    slot[named] = logs[named]
    return slot


def worth(read, rules):
    _, _, m, two = read
    value = {"sharpness": min(m[2], m[3]), "line": m[1] / (2 if two else 1), "contrast": m[11], "inside": m[8]}
    return float(np.prod([low + (1 - low) * np.clip((value[k] - start) / (full - start), 0, 1) for k, (start, full, low) in rules.items()]))


def fuse(reads, weights):
    """(log-probability of the best text, its symbols, log-probability of the true one) as lane-core/src/plate/vote.rs does it, views apart"""
    truth, length = reads[0][1], defaultdict(list)
    for read, weight in zip(reads, weights):
        length[len(read[0])].append((read[0], weight, weight * np.exp(read[0].max(1).sum() / 2) + 1e-6))
    whole = sum(one[2] for some in length.values() for one in some)
    best, true = (-1e9, None), -12.0
    for some in length.values():
        total, most = sum(one[1] for one in some), max(one[1] for one in some)
        slots = sum(np.maximum(slots, FLOOR) * weight for slots, weight, _ in some) * (min(CAP, total / most) / total)
        slots = slots - np.logaddexp.reduce(slots, axis=1, keepdims=True)
        share = np.log(sum(one[2] for one in some) / whole)
        best = max(best, (share + slots.max(1).sum(), tuple(slots.argmax(1))))
        if len(slots) == len(truth):
            true = max(true, share + slots[np.arange(len(truth)), truth].sum())
    return best[0], best[1], true


def weigh(args):
    for path in args.reads:
        vehicles = load(path)
        for name in ["all", "none"] + list(RULES):
            rules = {} if name == "none" else {k: v for k, v in RULES.items() if k != name}
            told = []
            for frames in (2, 4, 7):
                rng, results = np.random.default_rng(1), []
                for reads in (v for v in vehicles if len(v) >= frames):
                    picked = [reads[k] for k in rng.permutation(len(reads))[:frames]]
                    sure, symbols, true = fuse(picked, [worth(read, rules) for read in picked])
                    right = symbols == tuple(picked[0][1])
                    results.append((right, true, sure > np.log(0.96), sure > np.log(0.96) and not right))
                exact, likelihood, sure, wrong = np.array(results, float).T
                told.append(f"{frames} frames: exact {exact.mean():.3f} ln P(true) {likelihood.mean():.3f} sure {sure.mean():.3f} of them wrong {int(wrong.sum())}")
            label = {"all": "all measures", "none": "no measure"}.get(name, "without " + name)
            print(os.path.basename(path), label, "|", "; ".join(told), flush=True)


SEEDS = ["0ODQ", "1I", "2Z", "8B", "5S", "6G"]  # what people mistype too
MOST_DIGITS, MOST_SYMBOLS, LEAST_SHARE = 2, 5, 0.001  # a class of more digits finds a fleet's whole series


def table(args):
    from glyphs import CHARSET

    seen, pairs = defaultdict(int), defaultdict(int)
    for path in args.reads:
        for slots, truth, _, _ in (read for vehicle in load(path) for read in vehicle):
            best = slots.argmax(1)
            if len(best) == len(truth) and (best != truth).sum() <= 2:  # more is not misread but illegible
                for true, read in zip(truth, best):
                    seen[true] += 1
                    pairs[true, read] += true != read
    print("true,read,times,of")
    for (true, read), times in sorted(pairs.items(), key=lambda item: (-item[1], item[0])):
        if times >= 3:
            print(f"{CHARSET[true]},{CHARSET[read]},{times},{seen[true]}")
    both = defaultdict(int)
    for (true, read), times in pairs.items():
        both[frozenset((CHARSET[true], CHARSET[read]))] += times
    total = sum(both.values())
    classes = [set(seed) for seed in SEEDS] + [{char} for char in CHARSET if not any(char in seed for seed in SEEDS)]
    while True:
        best = (0, None, None)
        for i, a in enumerate(classes):
            for b in classes[:i]:
                if sum(c.isdigit() for c in a | b) <= MOST_DIGITS and len(a | b) <= MOST_SYMBOLS:
                    joined = sum(both.get(frozenset((x, y)), 0) for x in a for y in b) / (len(a) * len(b)) ** 0.5
                    if joined >= LEAST_SHARE * total and joined > best[0]:
                        best = (joined, a, b)
        if best[1] is None:
            break
        classes = [c for c in classes if c is not best[1] and c is not best[2]] + [best[1] | best[2]]
    caught = sum(times for pair, times in both.items() if any(pair <= c for c in classes)) / total
    print(" ".join(sorted("".join(sorted(c)) for c in classes if len(c) > 1)), f"catch {caught:.3f} of {total} confusions", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(required=True)
    for name, step in (("reads", reads), ("stand", stand), ("real", real)):
        one = steps.add_parser(name)
        one.add_argument("models")
        one.add_argument("data")
        one.add_argument("out")
        one.add_argument("--vehicles", type=int, default=1500)
        one.add_argument("--seed", type=int, default=77)
        one.add_argument("--sets", default="vn,cn")
        one.set_defaults(step=step)
    for name, step in (("table", table), ("weigh", weigh)):
        one = steps.add_parser(name)
        one.add_argument("reads", nargs="+")
        one.set_defaults(step=step)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    args.step(args)


if __name__ == "__main__":
    main()
