"""Scenes for the detector: backgrounds with rendered plates set into them, and the corners of every plate.

Backgrounds are synthetic, or the free Chinese photos (their own plates stay and are labelled by their box). Writing
that is no plate, lamps, grilles and bumpers are drawn as well: the detector must leave them alone.
"""

import cv2
import numpy as np

import augment
import plates

SIZE = 320


def synthetic_background(rng):
    image = augment.backdrop(rng, SIZE, SIZE)
    for _ in range(int(rng.integers(2, 14))):
        x, y = rng.random(2) * SIZE
        w, h = rng.uniform(5, SIZE * 0.7), rng.uniform(4, SIZE * 0.4)
        colour = [float(v) for v in rng.uniform(0, 255, 3)]
        kind = rng.integers(5)
        if kind == 0:
            cv2.rectangle(image, (int(x), int(y)), (int(x + w), int(y + h)), colour, -1)
        elif kind == 1:
            cv2.ellipse(image, (int(x), int(y)), (int(w / 3), int(h / 3)), float(rng.uniform(0, 180)), 0, 360, colour, -1 if rng.random() < 0.6 else 3)
        elif kind == 2:  # a grille
            for k in range(int(rng.integers(3, 12))):
                top = int(y + k * h / 8)
                cv2.line(image, (int(x), top), (int(x + w), top), colour, int(rng.integers(1, 5)))
        elif kind == 3:
            cv2.line(image, (int(x), int(y)), (int(x + w), int(y + h * rng.uniform(-1, 1))), colour, int(rng.integers(1, 8)))
        else:  # a panel without writing, of a plate's shape and colour
            ground = [float(v) for v in plates.vary(rng, [plates.WHITE, plates.YELLOW, plates.BLUE][rng.integers(3)])]
            cv2.rectangle(image, (int(x), int(y)), (int(x + w), int(y + w * rng.uniform(0.2, 0.7))), ground, -1)
    return image.astype(np.uint8)


def photo_background(rng, photo):
    """A random cut of a photo at a random size, and the corners of its own plates that are wholly inside."""
    image, found = photo
    height, width = image.shape[:2]
    widest = max(box[2] for _, box in found)
    scale = np.exp(rng.uniform(np.log(36), np.log(230))) / widest
    scale = max(scale, SIZE / min(height, width) * 0.9)
    matrix = np.array([[scale, 0, 0], [0, scale, 0]], np.float32)
    if rng.random() < 0.7:  # around a plate
        x, y, w, h = found[rng.integers(len(found))][1]
        cx, cy = (x + w / 2) * scale, (y + h / 2) * scale
        matrix[:, 2] = (SIZE * rng.uniform(0.15, 0.85) - cx, SIZE * rng.uniform(0.15, 0.85) - cy)
    else:
        matrix[:, 2] = (-rng.uniform(0, max(1, width * scale - SIZE)), -rng.uniform(0, max(1, height * scale - SIZE)))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    shrunk = cv2.resize(image, None, fx=scale, fy=scale, interpolation=interpolation)
    shift = np.array([[1, 0, matrix[0, 2]], [0, 1, matrix[1, 2]]], np.float32)
    cut = cv2.warpAffine(shrunk, shift, (SIZE, SIZE), borderMode=cv2.BORDER_CONSTANT, borderValue=[float(v) for v in rng.uniform(0, 255, 3)])
    quads, cut_through = [], []
    for _, (x, y, w, h) in found:
        corners = np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], np.float32) * scale + matrix[:, 2]
        if corners.min() >= 1 and corners.max() <= SIZE - 1:
            quads.append(corners)
        elif corners.max(0).min() > 0 and corners.min(0).max() < SIZE:
            cut_through.append(corners)
    for corners in cut_through:  # half a plate is neither plate nor background: cover it
        (x0, y0), (x1, y1) = corners.min(0), corners.max(0)
        cv2.rectangle(cut, (int(x0) - 3, int(y0) - 3), (int(x1) + 3, int(y1) + 3), [float(v) for v in rng.uniform(0, 255, 3)], -1)
    return cut, quads


def writing(image, rng, faces):
    """Words and numbers that are no plate: a door sign, a telephone number, a maker's name."""
    text = "".join(plates.letter(rng, "ABCDEFGHKLMNOPRSTUVXYZ0123456789") for _ in range(int(rng.integers(3, 12))))
    place = (int(rng.uniform(-20, SIZE * 0.8)), int(rng.uniform(10, SIZE)))
    colour = [int(v) for v in rng.integers(0, 255, 3)]
    cv2.putText(image, text, place, int(rng.integers(0, 5)), rng.uniform(0.4, 1.6), colour, int(rng.integers(1, 4)), cv2.LINE_AA)


def paste(image, rng, plate, quads, over=None):
    """Sets one plate into the scene, or over the plate with corners `over`; returns its corners, or None where it found no room."""
    flat = plate.image.astype(np.float32)
    if rng.random() < 0.2:
        flat = augment.dirt(flat, rng)
    flat = np.clip(augment.shade(flat, rng), 0, 255).astype(np.uint8)
    height, width = flat.shape[:2]
    if rng.random() < 0.5:  # a holder around it
        pad = int(rng.integers(4, 24))
        frame = cv2.copyMakeBorder(flat, pad, pad + int(rng.integers(0, 30)), pad, pad, cv2.BORDER_CONSTANT, value=[int(v) for v in rng.integers(0, 120, 3)])
    else:
        pad, frame = 0, flat
    out_width = np.exp(rng.uniform(np.log(30), np.log(270))) * (0.75 if plate.two_line else 1)
    if over is not None:
        out_width = (over[1, 0] - over[0, 0]) * rng.uniform(0.98, 1.12)
    ratio = height / width * rng.uniform(0.85, 1.1)
    half = np.array([out_width / 2, out_width * ratio / 2])
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
    angle = rng.normal(0, 0.12 if over is None else 0.04)
    corners = corners @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners[:, 1] += corners[:, 0] * rng.normal(0, 0.06)
    corners *= 1 + rng.normal(0, 0.04, (4, 2))
    corners += rng.uniform(0.05, 0.95, 2) * SIZE if over is None else over.mean(0)
    if corners.min() < 2 or corners.max() > SIZE - 2:
        return None
    low, high = corners.min(0) - 6, corners.max(0) + 6
    if any((quad.max(0) > low).all() and (quad.min(0) < high).all() for quad in quads):
        return None
    source = np.array([[pad, pad], [pad + width, pad], [pad + width, pad + height], [pad, pad + height]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, corners.astype(np.float32))
    shrink = frame.shape[1] / out_width
    if shrink > 1.6:
        frame = cv2.blur(frame, (int(shrink), int(shrink)))
    laid = cv2.warpPerspective(frame, matrix, (SIZE, SIZE))
    mask = cv2.warpPerspective(np.full(frame.shape[:2], 255, np.uint8), matrix, (SIZE, SIZE)).astype(np.float32)[..., None] / 255
    mask = cv2.GaussianBlur(mask, (3, 3), 0)[..., None]
    # the plate's light follows the scene's a little
    light = image[max(0, int(low[1])) : int(high[1]) + 1, max(0, int(low[0])) : int(high[0]) + 1].mean() / 128
    laid = laid * np.clip(0.5 + 0.5 * light * rng.uniform(0.7, 1.4), 0.3, 1.4)
    image[:] = np.clip(image * (1 - mask) + laid * mask, 0, 255).astype(np.uint8)
    return corners.astype(np.float32)


def sample(rng, faces, photos):
    """(BGR SIZE x SIZE, [4 x 2 corners])"""
    if photos and rng.random() < 0.55:
        image, own = photo_background(rng, photos[rng.integers(len(photos))])
        quads = []
        for k, quad in enumerate(own):  # another country's plate where a real one is: the surroundings stay true
            new = paste(image, rng, plates.sample(rng, faces), quads + own[k + 1 :], quad) if rng.random() < 0.5 else None
            quads.append(quad if new is None else new)
    else:
        image, quads = synthetic_background(rng), []
    for _ in range(int(rng.integers(0, 4)) if rng.random() < 0.4 else 0):
        writing(image, rng, faces)
    for _ in range(int(rng.choice([0, 1, 2, 3], p=[0.2, 0.45, 0.25, 0.1]))):
        quad = paste(image, rng, plates.sample(rng, faces), quads)
        if quad is not None:
            quads = quads + [quad]
    return augment.optics(image, rng, 0.7), quads
