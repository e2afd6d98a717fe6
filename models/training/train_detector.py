"""Trains the detector on composed scenes."""

import argparse
import os
import time

import cv2
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

import scene
from glyphs import Faces
from nets import Detector
from train_close import Average, normalise, save

STRIDE, UNIT = 8, 64.0


def targets(quads):
    """Heat (gaussian around each centre, 1 at the centre's cell), corners, and where the corners count."""
    cells = scene.SIZE // STRIDE
    heat, corners, near = np.zeros((cells, cells), np.float32), np.zeros((8, cells, cells), np.float32), np.zeros((cells, cells), np.float32)
    ys, xs = np.mgrid[0:cells, 0:cells]
    for quad in quads:
        cx, cy = quad.mean(0) / STRIDE - 0.5
        span = quad.max(0) - quad.min(0)
        sx, sy = np.maximum(0.6, span / STRIDE / 7)
        spot = np.exp(-((xs - round(cx)) ** 2 / (2 * sx**2) + (ys - round(cy)) ** 2 / (2 * sy**2)))
        take = (spot > 0.4) & (spot > heat)
        heat = np.maximum(heat, spot)
        near[take] = spot[take]
        for k in range(4):
            corners[2 * k][take] = ((quad[k, 0] - (xs + 0.5) * STRIDE) / UNIT)[take]
            corners[2 * k + 1][take] = ((quad[k, 1] - (ys + 0.5) * STRIDE) / UNIT)[take]
    return heat.astype(np.float32), corners, near


class Stream(IterableDataset):
    def __init__(self, seed, folder, batch):
        self.seed, self.batch = seed, batch
        self.photos = scene.photos(folder) if folder else []

    def __iter__(self):
        cv2.setNumThreads(0)
        info = get_worker_info()
        rng = np.random.default_rng([self.seed, 77, info.id if info else 0])
        pool, kept = scene.Pool(rng, Faces()), []
        while True:
            made = []
            for _ in range(self.batch):
                # composing costs more than learning: a scene is seen about three times, shifted, mirrored and lit anew
                if len(kept) < 400 or rng.random() < 0.35:
                    one = scene.wide(rng, pool, self.photos)
                    if len(kept) < 400:
                        kept.append(one)
                    else:
                        kept[rng.integers(400)] = one
                    made.append(one)
                else:
                    made.append(again(rng, *kept[rng.integers(len(kept))]))
            heat, corners, near = (torch.from_numpy(np.stack(a)) for a in zip(*[targets(q) for _, q in made]))
            yield normalise(np.stack([image for image, _ in made])), heat, corners, near


def again(rng, image, quads):
    """The scene moved, mirrored and lit differently; plates that would leave it keep it where it is."""
    if rng.random() < 0.5:
        image, quads = image[:, ::-1], [np.stack([scene.SIZE - 1 - q[:, 0], q[:, 1]], 1)[[1, 0, 3, 2]] for q in quads]
    shift = rng.integers(-40, 41, 2)
    moved = [q + shift for q in quads]
    if all(q.min() > 1 and q.max() < scene.SIZE - 2 for q in moved):
        image, quads = cv2.warpAffine(image, np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32), (scene.SIZE,) * 2, borderValue=(114,) * 3), moved
    image = cv2.convertScaleAbs(image, alpha=rng.uniform(0.7, 1.3), beta=rng.uniform(0, 25))
    return image, [q.astype(np.float32) for q in quads]


def loss_of(out, heat, corners, near):
    """CenterNet's focal loss for the heat, and an absolute loss for the corners relative to the plate's size."""
    p = torch.sigmoid(out[:, 0]).clamp(1e-4, 1 - 1e-4)
    centre = heat > 0.999
    positive = (torch.log(p) * (1 - p) ** 2)[centre].sum()
    negative = (torch.log(1 - p) * p**2 * (1 - heat) ** 4)[~centre].sum()
    count = max(1, int(centre.sum()))
    size = (corners.amax(1) - corners.amin(1)).clamp(min=0.2)
    wrong = (torch.nn.functional.smooth_l1_loss(out[:, 1:], corners, reduction="none", beta=0.02).sum(1) / size * near).sum() / near.sum().clamp(min=1)
    return -(positive + negative) / count, wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", required=True)
    parser.add_argument("--data", default="", help="folder of plate photos; only rows with train_ok=yes are used")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--resume", default="")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    os.makedirs(args.out, exist_ok=True)
    net = Detector()
    if args.resume:
        net.load_state_dict(torch.load(args.resume))
    net = net.to(memory_format=torch.channels_last)
    average = Average(net)
    print("parameters", sum(p.numel() for p in net.parameters()), flush=True)
    optimiser = torch.optim.AdamW(net.parameters(), lr=args.rate, weight_decay=1e-3)
    loader = iter(DataLoader(Stream(args.seed, args.data, args.batch), batch_size=None, num_workers=args.workers, prefetch_factor=4))
    began, step, mean, mean_wrong = time.time(), 0, 0.0, 0.0
    saved = began
    while True:
        part = (time.time() - began) / 60 / args.minutes
        if part >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = args.rate * min(1, (step + 1) / 100) * (0.5 * (1 + np.cos(np.pi * min(1, part))) + 0.01)
        images, heat, corners, near = next(loader)
        with torch.autocast("cpu", torch.bfloat16):
            out = net(images.contiguous(memory_format=torch.channels_last))
        focal, wrong = loss_of(out.float(), heat, corners, near)
        loss = focal + wrong
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        average.step()
        keep = 0.98 if step else 0.0
        mean, mean_wrong = mean * keep + focal.item() * (1 - keep), mean_wrong * keep + wrong.item() * (1 - keep)
        step += 1
        if step % 50 == 0:
            print(f"step {step} images {step * args.batch} heat {mean:.3f} corners {mean_wrong:.3f} {step * args.batch / (time.time() - began):.0f}/s", flush=True)
        if time.time() - saved > 120:
            saved = time.time()
            save(args.out, "detector", average)
    save(args.out, "detector", average)


if __name__ == "__main__":
    main()
