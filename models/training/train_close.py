"""Reader and refiner, trained together on close scenes: a scene gives some pictures for each."""

from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
import torch
from torch import nn

import augment
import data
import geometry
import scene
from glyphs import CHARSET, Faces
from geometry import READER_SIZE, REFINER_SIZE
from nets import SLOTS, Reader, Refiner
from plates import COLOURS, COUNTRIES
from scene import UNKNOWN
from trainer import Training, picture

BATCH, LOOKS, STEPS = 80, 48, 24  # plates and pictures for the refiner a step, steps a block
AGAIN = 0.3
ATTENTION = 0.2  # weight of the maps' loss
CLASS = {char: i + 1 for i, char in enumerate(CHARSET)}
CELLS = (8, 24)


def target(text):
    return [CLASS[c] for c in text] + [0] * (SLOTS - len(text))


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


@dataclass
class Sources:
    """Real photos that are trained on (scene.Photo) and crops (picture, text, kinds); none is fine."""

    photos: list
    crops: list


def free(folder):
    """The free Chinese photos and crops of a data folder, less those held out."""
    crops = [(image, found[0][0], (0, 1, UNKNOWN)) for image, found, _ in data.trainable(folder, "cn_crops")] if folder else []
    return Sources(scene.photos(folder) if folder else [], [one for one in crops if all(c in CLASS for c in one[1])])


class Composer:
    """Makes a block: BLOCK plates for the reader and LOOKS pictures for the refiner."""

    def __init__(self, sources, real_share):
        self.sources, self.real_share, self.faces = sources, real_share, None

    def crop(self, rng):
        image, text, kinds = self.sources.crops[rng.integers(len(self.sources.crops))]
        height, width = image.shape[:2]
        if rng.random() < 0.5:
            image = augment.camera(image, rng, 94)
        quad = scene.unit(width, height) * (0.96, 0.92) + (0.02 * width, 0.04 * height)
        return for_reader(rng, image, quad.astype(np.float32), None)[0], target(text), np.full((SLOTS, 2), -1, np.float32), kinds

    def __call__(self, rng):
        self.faces = self.faces or Faces()
        pool, reads, looks = scene.Pool(rng, self.faces, 60), [], []
        fresh, plates_seen = int(BATCH * STEPS * (1 - AGAIN)), LOOKS * STEPS * 2 // 3
        while len(reads) < fresh or len(looks) < plates_seen:
            if self.sources.crops and rng.random() < self.real_share / 2:
                reads.append(self.crop(rng))
                continue
            seen, plate = scene.close(rng, pool, self.sources.photos, self.real_share)
            is_real = isinstance(plate, scene.Known)
            kinds = plate.kinds if is_real else (int(plate.two_line), COUNTRIES.index(plate.country), COLOURS.index(plate.colour))
            for image, quad in seen[: 1 + (not is_real)] * 2:
                found, where = for_reader(rng, image, quad, None if is_real else plate.centres)
                reads.append((found, target(plate.text), where, kinds))
            for image, quad in seen:
                found, wanted, counts = for_refiner(rng, image, quad)
                looks.append((found, wanted, np.float32(counts * (0.3 if is_real else 1.0))))
        # composing costs as much as learning: some are seen once more, moved and lit a little differently
        reads = reads[:fresh] + [again(rng, *reads[rng.integers(fresh)]) for _ in range(BATCH * STEPS - fresh)]
        looks = looks[:plates_seen] + [(nothing(rng, self.sources.photos), np.zeros(9, np.float32), np.float32(0)) for _ in range(LOOKS * STEPS - plates_seen)]
        return list(zip(stacked(rng, reads, BATCH), stacked(rng, looks, LOOKS)))


def stacked(rng, rows, batch):
    """The rows in another order, as batches of one array a column."""
    order = rng.permutation(len(rows))
    return [tuple(np.stack([np.asarray(rows[k][c]) for k in order[low : low + batch]]) for c in range(len(rows[0]))) for low in range(0, len(rows), batch)]


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
    x = torch.arange(columns, device=where.device) + 0.5
    y = torch.arange(rows, device=where.device) + 0.5
    wanted = torch.exp(-((x - where[..., :1]) ** 2) / (2 * 0.7**2))[..., None, :] * torch.exp(-((y - where[..., 1:]) ** 2) / (2 * 0.8**2))[..., None]
    wanted = wanted.flatten(2)
    wanted = wanted / wanted.sum(2, keepdim=True).clamp(min=1e-6)
    return -((wanted * torch.log(flat.float() + 1e-6)).sum(2) * known).sum() / known.sum().clamp(min=1)


def refiner_loss(out, corners, counts):
    off = nn.functional.smooth_l1_loss(out[:, :8], corners[:, :8], reduction="none", beta=0.02).mean(1)
    return (off * counts).sum() / counts.sum().clamp(min=1), nn.functional.binary_cross_entropy_with_logits(out[:, 8], corners[:, 8])


def loss(nets, rows, part, first_weight):
    (reads, texts, wheres, kinds), (pictures, corners, counts) = rows
    device = next(nets["reader"].parameters()).device
    texts, wheres, kinds, corners, counts = (values.to(device) for values in (texts, wheres, kinds, corners, counts))
    characters, layout, country, colour, flat = nets["reader"](picture(reads, device))
    out = nets["refiner"](picture(pictures, device)).float()
    spelling = nn.functional.cross_entropy(characters.float().flatten(0, 1), texts.flatten())
    attention = attention_loss(flat, wheres)
    kind = sum(kind_loss(head.float(), kinds[:, k]) for k, head in enumerate((layout, country, colour)))
    off, plate = refiner_loss(out, corners, counts)
    # from nothing, where the characters are is learnt first: before that there is nothing to be read
    weight = ATTENTION + (first_weight - ATTENTION) * max(0.0, 1 - part / 0.1)
    right = (characters.argmax(2) == texts).all(1).float().mean()
    shown = dict(spelling=spelling, attention=attention, kind=kind, corners=off, plate=plate, exact=right)
    return spelling + weight * attention + 0.1 * kind + 5 * off + 0.3 * plate, {key: value.item() for key, value in shown.items()}


def kind_loss(out, wanted):
    """Cross entropy where it is known; a batch may hold none of them."""
    return nn.functional.cross_entropy(out, wanted, ignore_index=UNKNOWN, reduction="sum") / (wanted != UNKNOWN).sum().clamp(min=1)


def training(args, sources, samples, rate, nets=None, real_share=0.2, freeze_from=0.5, first_weight=1.0):
    """The stage `reader` of a training: reader and refiner together."""
    nets = nets or dict(reader=Reader(len(CHARSET) + 1), refiner=Refiner())

    def before(part):
        if part >= freeze_from:  # the finest layers cost most and learn all they will early
            for parameter in nets["reader"].stem[:2].parameters():
                parameter.requires_grad = False

    return Training("reader", 1, nets, Composer(sources, real_share), partial(loss, first_weight=first_weight), args, samples, rate, BATCH, STEPS, 3.0, before)
