"""Trains the reader on synthetic plates and on the free Chinese crops. Checkpoints often: the best so far can be shipped."""

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
import plates
from glyphs import CHARSET, PROVINCES, SUFFIXES, Faces
from nets import READER_SIZE, SLOTS, Reader

CLASS = {char: i + 1 for i, char in enumerate(CHARSET)}


def target(text):
    return [CLASS[c] for c in text] + [0] * (SLOTS - len(text))


def normalise(images):
    return (torch.from_numpy(images).permute(0, 3, 1, 2).flip(1).float() - 127.5) / 64


class Stream(IterableDataset):
    def __init__(self, seed, folder, batch, real_share):
        self.seed, self.batch, self.real_share = seed, batch, real_share
        self.crops = []
        if folder:
            for image, found in data.trainable(folder, "cn_crops"):
                self.crops += [(image, text, None) for text, _ in found]
            for image, found in data.trainable(folder, "cn"):
                self.crops += [(image, text, box) for text, box in found] * 2
            self.crops = [c for c in self.crops if len(c[1]) <= SLOTS and all(x in CLASS for x in c[1])]

    def real(self, rng):
        image, text, box = self.crops[rng.integers(len(self.crops))]
        if box:
            x, y, w, h = box
            left, right = x - rng.uniform(-0.02, 0.08) * w, x + w + rng.uniform(-0.02, 0.08) * w
            top, bottom = y - rng.uniform(-0.02, 0.15) * h, y + h + rng.uniform(-0.02, 0.15) * h
            corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
            w, h = READER_SIZE
            matrix = cv2.getPerspectiveTransform(corners, np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32))
            image = cv2.warpPerspective(image, matrix, READER_SIZE, borderMode=cv2.BORDER_REPLICATE)
        return augment.crop_like(image, rng, READER_SIZE) if rng.random() < 0.8 else cv2.resize(image, READER_SIZE), text

    def __iter__(self):
        cv2.setNumThreads(0)
        info = get_worker_info()
        rng = np.random.default_rng([self.seed, info.id if info else 0])
        faces = Faces()
        while True:
            images, targets, layouts = [], [], []
            for _ in range(self.batch):
                if self.crops and rng.random() < self.real_share:
                    image, text = self.real(rng)
                    two_line = False
                else:
                    plate = plates.sample(rng, faces)
                    image, text, two_line = augment.crop_like(plate.image, rng, READER_SIZE), plate.text, plate.two_line
                images.append(image)
                targets.append(target(text))
                layouts.append(int(two_line))
            yield normalise(np.stack(images)), torch.tensor(targets), torch.tensor(layouts)


def decode(logits):
    return ["".join(CHARSET[i - 1] for i in row if i) for row in logits.argmax(2).tolist()]


def check(net, folder, name, limit=400):
    """Exact match on crops of a set, boxes given: a progress figure, not the reported accuracy."""
    right = total = 0
    net.eval()
    for row in data.rows(folder, name)[:limit]:
        if row["train_ok"] == "yes" and not data.held_out(row["file"]):
            continue
        image = cv2.imread(row["path"])
        if row["w"]:
            x, y, w, h = [float(row[k]) for k in "xywh"]
            image = image[int(max(0, y)) : int(y + h), int(max(0, x)) : int(x + w)]
        with torch.no_grad():
            logits, _ = net(normalise(cv2.resize(image, READER_SIZE, interpolation=cv2.INTER_AREA)[None]))
        right += decode(logits)[0] == row["plate_text"]
        total += 1
    net.train()
    return right, total


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", required=True)
    parser.add_argument("--data", default="", help="folder of plate photos (labels.csv a set); only rows with train_ok=yes are used")
    parser.add_argument("--minutes", type=float, default=45)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--real", type=float, default=0.15)
    parser.add_argument("--smoothing", type=float, default=0.02, help="label smoothing: helps at first; 0 at the end, so that the probabilities mean something")
    parser.add_argument("--resume", default="", help="weights to start from")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    os.makedirs(args.out, exist_ok=True)
    net = Reader(len(CHARSET) + 1)
    if args.resume:
        net.load_state_dict(torch.load(args.resume))
    net = net.to(memory_format=torch.channels_last)
    print("parameters", sum(p.numel() for p in net.parameters()), flush=True)
    optimiser = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=args.rate, weight_decay=1e-3)
    loader = iter(DataLoader(Stream(args.seed, args.data, args.batch, args.real), batch_size=None, num_workers=args.workers, prefetch_factor=4))
    # the blank is three places in ten: it must not rule
    weight = torch.ones(len(CHARSET) + 1)
    weight[0] = 0.5
    for char in PROVINCES + SUFFIXES:
        weight[CLASS[char]] = 1.5
    loss_of = nn.CrossEntropyLoss(weight=weight, label_smoothing=args.smoothing)
    began, step, mean = time.time(), 0, 0.0
    reported = began
    while True:
        part = (time.time() - began) / 60 / args.minutes
        if part >= 1:
            break
        rate = args.rate * min(1, (step + 1) / 100) * (0.5 * (1 + np.cos(np.pi * min(1, part))) + 0.01)
        for group in optimiser.param_groups:
            group["lr"] = rate
        images, targets, layouts = next(loader)
        with torch.autocast("cpu", torch.bfloat16):
            logits, layout = net(images.contiguous(memory_format=torch.channels_last))
        logits, layout = logits.float(), layout.float()
        loss = loss_of(logits.flatten(0, 1), targets.flatten()) + 0.1 * nn.functional.cross_entropy(layout, layouts)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        mean = loss.item() if step == 0 else mean * 0.98 + loss.item() * 0.02
        step += 1
        if step % 50 == 0:
            exact = (logits.argmax(2) == targets).all(1).float().mean().item()
            print(f"step {step} samples {step * args.batch} loss {mean:.3f} batch exact {exact:.2f} {step * args.batch / (time.time() - began):.0f}/s", flush=True)
        if time.time() - reported > 180:
            reported = time.time()
            torch.save(net.state_dict(), os.path.join(args.out, "reader.pt"))
            if args.data:
                print("progress", {name: check(net, args.data, name, 150) for name in ("vn_crops", "vn", "cn", "cn_crops")}, flush=True)
    torch.save(net.state_dict(), os.path.join(args.out, "reader.pt"))


if __name__ == "__main__":
    main()
