"""The detector, trained on composed scenes."""

import cv2
import numpy as np
import torch

import scene
from glyphs import Faces
from nets import Detector
from train_close import stacked
from trainer import Training, picture

BATCH, STEPS = 16, 24
FRESH = 0.4
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


class Composer:
    """Makes a block of BATCH * STEPS scenes."""

    def __init__(self, photos):
        self.photos, self.faces = photos, None

    def __call__(self, rng):
        self.faces = self.faces or Faces()
        pool = scene.Pool(rng, self.faces, 60)
        made = [scene.wide(rng, pool, self.photos) for _ in range(int(BATCH * STEPS * FRESH))]
        # composing costs more than learning: a scene is seen two or three times, shifted, mirrored and lit anew
        made += [again(rng, *made[rng.integers(len(made))]) for _ in range(BATCH * STEPS - len(made))]
        return stacked(rng, [(image, *targets(quads)) for image, quads in made], BATCH)


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


def loss(nets, rows, part):
    device = next(nets["detector"].parameters()).device
    images, *wanted = rows
    out = nets["detector"](picture(images, device))
    focal, wrong = loss_of(out.float(), *(values.to(device) for values in wanted))
    return focal + wrong, dict(heat=focal.item(), corners=wrong.item())


def training(args, photos, samples, rate, net=None):
    """The stage `detector` of a training."""
    return Training("detector", 2, dict(detector=net or Detector()), Composer(photos), loss, args, samples, rate, BATCH, STEPS, 5.0)
