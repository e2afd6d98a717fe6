"""Trains the reader and the refiner together on close scenes: one scene gives a picture or two for each. Checkpoints often."""

import argparse
import os
import time

import cv2
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

import augment
import data
import geometry
import scene
from glyphs import CHARSET, Faces
from nets import READER_SIZE, REFINER_SIZE, SLOTS, Reader, Refiner
from plates import COLOURS, COUNTRIES

CLASS = {char: i + 1 for i, char in enumerate(CHARSET)}
UNKNOWN = -100
CELLS = (8, 24)


def target(text):
    return [CLASS[c] for c in text] + [0] * (SLOTS - len(text))


def normalise(images):
    return (torch.from_numpy(images).permute(0, 3, 1, 2).flip(1).float() - 127.5) / 64


def jittered(rng, quad, much):
    """The plate as it is found, not as it is."""
    u, v = scene.axes(quad)
    u2 = u * np.exp(rng.normal(0, 0.10) * much) + v * rng.normal(0, 0.07) * much
    v2 = v * np.exp(rng.normal(0, 0.14) * much) + u * rng.normal(0, 0.05) * much
    centre = quad.mean(0) + u * rng.normal(0, 0.10) * much + v * rng.normal(0, 0.18) * much
    return (centre + np.array([-u2 - v2, u2 - v2, u2 + v2, v2 - u2])).astype(np.float32)


def for_refiner(rng, image, quad):
    """(picture, nine values, whether the corners count)"""
    if rng.random() < 0.06:
        u, v = scene.axes(quad)
        away = quad + u * rng.choice([-1, 1]) * rng.uniform(1.5, 2.2) + v * rng.uniform(-5, 5)
        away = away.mean(0) + (away - away.mean(0)) * rng.uniform(0.4, 1.3)
        return geometry.look_closer(image, away)[0], np.zeros(9, np.float32), 0.0
    picture, matrix = geometry.look_closer(image, jittered(rng, quad, rng.choice([0.3, 1.0, 1.7])))
    off = (geometry.through(matrix, quad) - geometry.nominal()) / geometry.REFINER_UNIT
    return picture, np.append(np.clip(off, -2, 2).ravel(), 1).astype(np.float32), 1.0


def nothing(rng, photos):
    """A picture for the refiner where there is no plate: lamps, grilles, badges, words, or the bare place of a plate."""
    if photos and rng.random() < 0.75:
        image = photos[rng.integers(len(photos))].erased
        height, width = image.shape[:2]
        across = np.exp(rng.uniform(np.log(20), np.log(0.5 * width)))
        quad = scene.pose(rng, across, rng.uniform(0.15, 0.8), 0.3) + rng.uniform(0.1, 0.9, 2) * (width, height)
        picture, _ = geometry.look_closer(image, quad.astype(np.float32))
    else:
        width, height = REFINER_SIZE
        picture = scene.synthetic_background(rng, width * 2, height * 2)[: height, : width]
    picture = np.ascontiguousarray(picture)
    choice = rng.random()
    if choice < 0.25:
        scene.writing(picture, rng)
    elif choice < 0.65:
        width, height = REFINER_SIZE
        scene.badge(picture, rng, (width / 2 + rng.normal(0, 5), height / 2 + rng.normal(0, 3), width * rng.uniform(0.4, 0.7), height * rng.uniform(0.4, 0.75)))
    return augment.camera(picture, rng, 80)


def for_reader(rng, image, quad, centres):
    """(picture, cells of the characters' centres)"""
    size = np.linalg.norm(scene.axes(quad), axis=1)
    off = rng.normal(0, 1, (4, 2)) * size * rng.choice([0.015, 0.035, 0.06]) - (scene.unit(2, 2) - 1) * size * (rng.uniform(0, 0.08) if rng.random() < 0.15 else 0)
    if rng.random() < 0.25:  # corners that took in a holder, a flag or the bumper
        u, v = scene.axes(quad)
        off = off + scene.unit(1, 1)[:, :1] * u * rng.exponential(0.08) - (1 - scene.unit(1, 1)[:, :1]) * u * rng.exponential(0.08)
        off = off + scene.unit(1, 1)[:, 1:] * v * rng.exponential(0.1) - (1 - scene.unit(1, 1)[:, 1:]) * v * rng.exponential(0.1)
    picture, matrix = geometry.straighten(image, (quad + off).astype(np.float32))
    where = np.full((SLOTS, 2), -1, np.float32)
    if centres is not None:
        flat = cv2.getPerspectiveTransform(scene.unit(1, 1), quad)
        where[: len(centres)] = geometry.through(matrix, geometry.through(flat, centres)) / 8
    return picture, where


class Stream(IterableDataset):
    def __init__(self, seed, folder, batch, real_share):
        self.seed, self.batch, self.real_share = seed, batch, real_share
        self.photos = scene.photos(folder) if folder else []
        crops = data.trainable(folder, "cn_crops") if folder else []
        self.crops = [(image, found[0][0]) for image, found, _ in crops if all(c in CLASS for c in found[0][0])]

    def crop(self, rng):
        image, text = self.crops[rng.integers(len(self.crops))]
        height, width = image.shape[:2]
        if rng.random() < 0.5:
            image = augment.camera(image, rng, 94)
        quad = scene.unit(width, height) * (0.96, 0.92) + (0.02 * width, 0.04 * height)
        return for_reader(rng, image, quad.astype(np.float32), None)[0], text

    def __iter__(self):
        cv2.setNumThreads(0)
        info = get_worker_info()
        rng = np.random.default_rng([self.seed, info.id if info else 0])
        pool = scene.Pool(rng, Faces())
        kept = []
        while True:
            reads, texts, wheres, kinds, refines, corners, counts = [], [], [], [], [], [], []
            while len(reads) < self.batch:
                # composing costs as much as learning: a picture is read about twice, moved and lit a little differently
                if len(kept) >= 1500 and rng.random() < 0.33:
                    for place in rng.integers(0, len(kept), 8):
                        picture, text, where, kind = again(rng, *kept[place])
                        reads.append(picture)
                        texts.append(text)
                        wheres.append(where)
                        kinds.append(kind)
                    continue
                first = len(reads)
                if self.crops and rng.random() < self.real_share / 2:
                    picture, text = self.crop(rng)
                    reads.append(picture)
                    texts.append(target(text))
                    wheres.append(np.full((SLOTS, 2), -1, np.float32))
                    kinds.append((0, 1, UNKNOWN))
                    continue
                seen, plate = scene.close(rng, pool, self.photos, self.real_share)
                is_real = isinstance(plate, str)
                text = plate if is_real else plate.text
                for image, quad in seen[: 1 + (not is_real)] * 2:
                    picture, where = for_reader(rng, image, quad, None if is_real else plate.centres)
                    reads.append(picture)
                    texts.append(target(text))
                    wheres.append(where)
                    kinds.append((0, 1, UNKNOWN) if is_real else (int(plate.two_line), COUNTRIES.index(plate.country), COLOURS.index(plate.colour)))
                for made in zip(reads[first:], texts[first:], wheres[first:], kinds[first:]):
                    if len(kept) < 4000:
                        kept.append(made)
                    else:
                        kept[rng.integers(4000)] = made
                for image, quad in seen * (1 if is_real else 2):
                    picture, wanted, count = for_refiner(rng, image, quad)
                    refines.append(picture)
                    corners.append(wanted)
                    counts.append(count * (0.3 if is_real else 1.0))
            for _ in range(len(refines) // 3):
                refines.append(nothing(rng, self.photos))
                corners.append(np.zeros(9, np.float32))
                counts.append(0.0)
            yield (
                normalise(np.stack(reads)), torch.tensor(texts), torch.from_numpy(np.stack(wheres)), torch.tensor(kinds),
                normalise(np.stack(refines)), torch.from_numpy(np.stack(corners)), torch.tensor(counts),
            )


def again(rng, picture, text, where, kind):
    """The picture moved, scaled and lit a little differently."""
    width, height = READER_SIZE
    sx, sy = 1 + rng.normal(0, 0.02), 1 + rng.normal(0, 0.04)
    matrix = np.array([[sx, rng.normal(0, 0.04), rng.normal(0, 3)], [rng.normal(0, 0.008), sy, rng.normal(0, 1.6)]])
    matrix[:, 2] += (1 - sx) * width / 2, (1 - sy) * height / 2
    moved = cv2.warpAffine(picture, matrix, READER_SIZE, borderMode=cv2.BORDER_REPLICATE)
    if rng.random() < 0.3:
        moved = cv2.GaussianBlur(moved, (0, 0), rng.uniform(0.4, 1.0))
    there = np.where(where >= 0, (where * 8) @ matrix[:, :2].T + matrix[:, 2], -8.0) / 8
    return cv2.convertScaleAbs(moved, alpha=rng.uniform(0.75, 1.25), beta=rng.uniform(0, 20)), text, there.astype(np.float32), kind


def attention_loss(flat, where):
    """Cross entropy of each map against a gaussian about the character's place, for places that are known."""
    rows, columns = CELLS
    known = where[..., 0] >= 0
    if not known.any():
        return flat.sum() * 0
    x = torch.arange(columns).float() + 0.5
    y = torch.arange(rows).float() + 0.5
    wanted = torch.exp(-((x - where[..., :1]) ** 2) / (2 * 0.7**2))[..., None, :] * torch.exp(-((y - where[..., 1:]) ** 2) / (2 * 0.8**2))[..., None]
    wanted = wanted.flatten(2)
    wanted = wanted / wanted.sum(2, keepdim=True).clamp(min=1e-6)
    return -(wanted * torch.log(flat.float() + 1e-6)).sum(2)[known].mean()


def refiner_loss(out, corners, counts):
    off = nn.functional.smooth_l1_loss(out[:, :8], corners[:, :8], reduction="none", beta=0.02).mean(1)
    return (off * counts).sum() / counts.sum().clamp(min=1), nn.functional.binary_cross_entropy_with_logits(out[:, 8], corners[:, 8])


class Average:
    """Weights averaged over the last steps; they are what is saved beside the raw ones."""

    def __init__(self, net, keep=0.998):
        self.net, self.keep, self.state, self.steps = net, keep, None, 0

    def step(self):
        now = self.net.state_dict()
        self.steps += 1
        keep = min(self.keep, self.steps / (self.steps + 10))
        if self.state is None:
            self.state = {k: v.clone() for k, v in now.items()}
        for k, v in now.items():
            if v.dtype.is_floating_point:
                self.state[k].lerp_(v, 1 - keep)
            else:
                self.state[k].copy_(v)


def save(folder, name, average):
    torch.save(average.state, os.path.join(folder, name + ".tmp"))
    os.replace(os.path.join(folder, name + ".tmp"), os.path.join(folder, name + ".pt"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", required=True)
    parser.add_argument("--data", default="", help="folder of plate photos (labels.csv a set); only rows with train_ok=yes are used")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=2.5e-3)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--real", type=float, default=0.14)
    parser.add_argument("--smoothing", type=float, default=0.0)
    parser.add_argument("--attention", type=float, default=0.2)
    parser.add_argument("--freeze", action="store_true", help="leave the reader's first two layers as they are")
    parser.add_argument("--resume", default="", help="folder with weights to start from")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    os.makedirs(args.out, exist_ok=True)
    reader, refiner = Reader(len(CHARSET) + 1), Refiner()
    if args.resume:
        for net, name in ((reader, "reader"), (refiner, "refiner")):
            path = os.path.join(args.resume, name + ".pt")
            if os.path.exists(path):
                print(name, net.load_state_dict(torch.load(path), strict=False), flush=True)
    nets = [net.to(memory_format=torch.channels_last) for net in (reader, refiner)]
    averages = [Average(net) for net in nets]
    print("parameters", [sum(p.numel() for p in net.parameters()) for net in nets], flush=True)
    if args.freeze:  # the finest layers cost most and have least to learn
        for parameter in reader.stem[:2].parameters():
            parameter.requires_grad = False
    optimiser = torch.optim.AdamW([p for net in nets for p in net.parameters() if p.requires_grad], lr=args.rate, weight_decay=1e-3)
    loader = iter(DataLoader(Stream(args.seed, args.data, args.batch, args.real), batch_size=None, num_workers=args.workers, prefetch_factor=4))
    began = saved = time.time()
    step, shown = 0, np.zeros(6)
    while True:
        part = (time.time() - began) / 60 / args.minutes
        if part >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = args.rate * min(1, (step + 1) / 40) * (0.5 * (1 + np.cos(np.pi * min(1, part))) + 0.01)
        reads, texts, wheres, kinds, refines, corners, counts = next(loader)
        with torch.autocast("cpu", torch.bfloat16):
            characters, layout, country, colour, flat = reader(reads.contiguous(memory_format=torch.channels_last))
            out = refiner(refines.contiguous(memory_format=torch.channels_last))
        spelling = nn.functional.cross_entropy(characters.float().flatten(0, 1), texts.flatten(), label_smoothing=args.smoothing)
        attention = attention_loss(flat, wheres)
        kind = sum(nn.functional.cross_entropy(head.float(), kinds[:, k], ignore_index=UNKNOWN) for k, head in enumerate((layout, country, colour)))
        off, plate = refiner_loss(out.float(), corners, counts)
        loss = spelling + args.attention * attention + 0.1 * kind + 5 * off + 0.3 * plate
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(reader.parameters(), 3.0)
        nn.utils.clip_grad_norm_(refiner.parameters(), 3.0)
        optimiser.step()
        for average in averages:
            average.step()
        right = (characters.argmax(2) == texts).all(1).float().mean().item()
        now = np.array([spelling.item(), attention.item(), kind.item(), off.item(), plate.item(), right])
        shown = now if step == 0 else shown * 0.98 + now * 0.02
        step += 1
        if step % 25 == 0:
            names = zip(("spelling", "attention", "kind", "corners", "plate", "exact"), shown)
            print(f"step {step} {int(time.time() - began)}s {step * args.batch / (time.time() - began):.0f}/s", " ".join(f"{n} {v:.4f}" for n, v in names), flush=True)
        if time.time() - saved > 180:
            saved = time.time()
            save(args.out, "reader", averages[0])
            save(args.out, "refiner", averages[1])
    save(args.out, "reader", averages[0])
    save(args.out, "refiner", averages[1])


if __name__ == "__main__":
    main()
