"""What every training has in common: batches made in blocks, a falling rate, averaged weights, checkpoints that the same command goes on from.

A training's length is a number of samples. Its data come in blocks; block k is drawn from the generator (seed, stage, k) and from nothing
else, and checkpoints are written between blocks: how many processes make the data and how often a training was stopped changes none of it.
"""

import os
import time

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

SAVE_EVERY_S, SHOW_EVERY_S = 120, 20
LEAST_RATE = 0.01  # of the highest, at the end


class Refused(Exception):
    """Nothing can be trained so: what is wrong, for a person."""


class Blocks(Dataset):
    """`made(rng)` gives a block: a list of steps, each a tuple of arrays. The loader calls it in processes of its own."""

    def __init__(self, made, seed, stage, count, first=0):
        self.made, self.seed, self.stage, self.count, self.first = made, seed, stage, count, first

    def __len__(self):
        return self.count - self.first

    def __getitem__(self, k):
        import cv2

        cv2.setNumThreads(0)
        return self.made(np.random.default_rng([self.seed, self.stage, self.first + k]))


class Average:
    """Weights averaged over the last steps; they are what is exported."""

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


def write(value, path):
    """All of it or nothing: a checkpoint that was cut off by a full disk or a stop is never seen."""
    try:
        torch.save(value, path + ".part")
        os.replace(path + ".part", path)
    except (OSError, RuntimeError) as error:
        raise Refused(f"{path} cannot be written: {error}") from error


def picture(images, device):
    """N x H x W x 3 BGR bytes as the networks' input."""
    x = (images.to(device).permute(0, 3, 1, 2).flip(1).float() - 127.5) / 64
    return x.contiguous(memory_format=torch.channels_last)


def device_of(name):
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise Refused("--device cuda: PyTorch sees no GPU here")
    return torch.device(name)


def share_out(args):
    """Cores between making data and learning: on a CPU learning costs more, beside a GPU only the making is left."""
    cores = len(os.sched_getaffinity(0))
    if args.workers < 0:
        args.workers = max(1, cores - 1 if device_of(args.device).type == "cuda" else cores // 3)
    torch.set_num_threads(args.threads or max(1, cores - args.workers))


def check_fonts(args):
    """Plates set in fewer fonts make other models."""
    from glyphs import PACKAGES, missing_fonts

    missing = missing_fonts()
    if missing and not args.any_fonts:
        raise Refused(f"these fonts are missing: {', '.join(missing)}: apt-get install {PACKAGES} (--any-fonts trains without them)")


def add_arguments(parser):
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", required=True, help="folder for checkpoints and weights")
    parser.add_argument("--data", default="", help="folder of plate photos (labels.csv a set); only rows with train_ok=yes are used")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--threads", type=int, default=0, help="for learning; 0: what the workers leave")
    parser.add_argument("--workers", type=int, default=-1, help="processes that make the data; -1: by the machine")
    parser.add_argument("--any-fonts", action="store_true", help="train although fonts are missing")
    parser.add_argument("--share", type=float, default=1.0, help="of the samples of a whole training")


def rate_at(done, samples, step, rate, warm=200):
    return rate * min(1, (step + 1) / warm) * (LEAST_RATE + (1 - LEAST_RATE) * 0.5 * (1 + np.cos(np.pi * min(1, done / samples))))


def minutes(seconds):
    return f"{int(seconds // 3600)}:{int(seconds % 3600 // 60):02} h"


class Training:
    """One stage. `nets` {name: net}, `blocks(rng)` makes data, `loss(nets, rows, part)` returns (loss, {name: value} to show);
    `part` is the share of the samples that is done. `before(part)` may change what is trained."""

    def __init__(self, name, number, nets, blocks, loss, args, samples, rate, batch, steps, clip, before=None):
        self.name, self.number, self.blocks, self.loss, self.args = name, number, blocks, loss, args
        self.samples, self.rate, self.batch, self.block, self.clip, self.before = samples, rate, batch, batch * steps, clip, before
        self.device = device_of(args.device)
        self.nets = {key: net.to(self.device, memory_format=torch.channels_last) for key, net in nets.items()}
        self.averages = {key: Average(net) for key, net in self.nets.items()}
        self.optimiser = torch.optim.AdamW([p for net in self.nets.values() for p in net.parameters() if p.requires_grad], lr=rate, weight_decay=1e-3)
        self.done = self.step = self.seconds = 0
        self.plan = dict(seed=args.seed, samples=samples, rate=rate, batch=batch, steps=steps, photos=getattr(args, "photos", ""))
        self.path = os.path.join(args.out, name + ".checkpoint")
        self.settle = lambda net: None  # for nets whose batch norms are not trained

    def check(self):
        """The checkpoint where there is one; of another training it is refused."""
        if not os.path.exists(self.path):
            return None
        try:
            kept = torch.load(self.path, map_location=self.device, weights_only=False)
        except Exception as error:  # of a file that is no checkpoint there are many
            raise Refused(f"{self.path} is no checkpoint that can be read ({error}): remove it") from error
        if kept["plan"] != self.plan:
            other = ", ".join(f"{key} {kept['plan'].get(key)!r} there, {value!r} now" for key, value in self.plan.items() if kept["plan"].get(key) != value)
            raise Refused(f"{self.path} is of another training ({other}): give another --out, or remove it")
        return kept

    def resume(self):
        kept = self.check()
        if kept is None:
            return
        for key, net in self.nets.items():
            net.load_state_dict(kept["nets"][key])
            self.averages[key].state, self.averages[key].steps = kept["averages"][key]
        self.optimiser.load_state_dict(kept["optimiser"])
        self.done, self.step, self.seconds = kept["done"], kept["step"], kept["seconds"]
        torch.set_rng_state(kept["rng"].cpu())

    def save(self):
        averages = {key: (average.state, average.steps) for key, average in self.averages.items()}
        nets = {key: net.state_dict() for key, net in self.nets.items()}
        write(dict(plan=self.plan, nets=nets, averages=averages, optimiser=self.optimiser.state_dict(), done=self.done, step=self.step,
                   seconds=self.seconds, rng=torch.get_rng_state()), self.path)  # fmt: skip
        for key, average in self.averages.items():
            if average.state is not None:
                write({k: v.cpu().clone() for k, v in average.state.items()}, os.path.join(self.args.out, key + ".pt"))

    def learn(self, rows):
        part = self.done / self.samples
        if self.before:
            self.before(part)
        for group in self.optimiser.param_groups:
            group["lr"] = rate_at(self.done, self.samples, self.step, self.rate)
        with torch.autocast(self.device.type, torch.bfloat16):
            loss, shown = self.loss(self.nets, rows, part)
        self.optimiser.zero_grad()
        loss.backward()
        for net in self.nets.values():
            torch.nn.utils.clip_grad_norm_(net.parameters(), self.clip)
        self.optimiser.step()
        for average in self.averages.values():
            average.step()
        self.done += self.batch
        self.step += 1
        return shown

    def run(self):
        self.resume()
        count = -(-self.samples // self.block)
        first = self.done // self.block
        if first >= count:
            print(f"{self.name}: done ({self.done} samples in {minutes(self.seconds)})", flush=True)
            return
        print(f"{self.name}: {self.done} of {self.samples} samples done; parameters", {k: sum(p.numel() for p in n.parameters()) for k, n in self.nets.items()}, flush=True)
        for net in self.nets.values():
            net.train()
            self.settle(net)
        workers = self.args.workers
        loader = DataLoader(Blocks(self.blocks, self.args.seed, self.number, count, first), batch_size=None, num_workers=workers, prefetch_factor=1 if workers else None)
        saved = told = tick = time.time()
        began, started_at, mean = tick, self.done, {}
        for steps in loader:
            for rows in steps:
                for key, value in self.learn(rows).items():
                    mean[key] = value if key not in mean else mean[key] * 0.98 + value * 0.02
            if not all(np.isfinite(value) for value in mean.values()):
                raise Refused(f"{self.name}: the loss is no number any more; the checkpoint before it is kept: {mean}")
            now = time.time()
            self.seconds, tick = self.seconds + now - tick, now
            if now - told > SHOW_EVERY_S or self.done >= self.samples:
                told, speed = now, (self.done - started_at) / (now - began)
                values = " ".join(f"{key} {value:.4f}" for key, value in mean.items())
                print(f"{self.name} {self.done}/{self.samples} {self.done / self.samples:.1%} {speed:.0f}/s, left {minutes(max(0, self.samples - self.done) / speed)}; {values}", flush=True)
            if now - saved > SAVE_EVERY_S:
                saved = now
                self.save()
        self.save()
        print(f"{self.name}: done ({self.done} samples in {minutes(self.seconds)})", flush=True)
