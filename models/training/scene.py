"""Scenes: plates in surroundings, with the four corners of every plate.

`close` gives one plate in the surroundings that a camera would see (for the refiner and the reader); `wide` a frame with any number
of plates (for the detector). Surroundings are synthetic, or the free Chinese photos: their own plates, whose corners stand in
quads.csv, are kept, or erased and replaced by synthetic ones of either country (transplant). Everything is turned, leant and
scaled anew each time. Writing that is no plate, lamps, grilles and bumpers are drawn as well: the detector must leave them alone.
"""

import csv
import os
from dataclasses import dataclass

import cv2
import numpy as np

import augment
import data
import plates

SIZE = 320  # of a wide scene
CLOSE = (400, 264)  # of a close one before the camera


def unit(width, height):
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)


UNKNOWN = -100  # a kind that nobody told


@dataclass
class Known:
    """A plate of a real photo."""

    text: str
    quad: np.ndarray  # 4 x 2
    kinds: tuple  # lines - 1, place in plates.COUNTRIES, place in plates.COLOURS; or UNKNOWN


@dataclass
class Photo:
    image: np.ndarray
    erased: np.ndarray  # the same without its plates
    plates: list  # Known


def grown(quad, across, down=None):
    """The quad made larger about its middle along its own axes."""
    centre = quad.mean(0)
    u, v = axes(quad)
    down = across if down is None else down
    return (quad + np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])[:, :1] * u * (across - 1) + np.array([[-1], [-1], [1], [1]]) * v * (down - 1)).astype(np.float32)


def axes(quad):
    """Half the plate's width and half its height as vectors."""
    return (quad[1] - quad[0] + quad[2] - quad[3]) / 4, (quad[3] - quad[0] + quad[2] - quad[1]) / 4


def photo(image, known):
    """The photo, at most 1024 pixels a side, and the same with its plates painted over."""
    most = max(image.shape[:2]) / 1024
    if most > 1:
        image = cv2.resize(image, None, fx=1 / most, fy=1 / most, interpolation=cv2.INTER_AREA)
    own = [Known(one.text, (one.quad / max(1, most)).astype(np.float32), one.kinds) for one in known]
    if not own:
        return Photo(image, image, [])
    hole = np.zeros(image.shape[:2], np.uint8)
    for one in own:
        cv2.fillConvexPoly(hole, grown(one.quad, 1.12, 1.25).astype(np.int32), 255)
    ys, xs = np.nonzero(hole)
    y0, y1, x0, x1 = max(0, ys.min() - 8), ys.max() + 9, max(0, xs.min() - 8), xs.max() + 9
    erased = image.copy()
    erased[y0:y1, x0:x1] = cv2.inpaint(image[y0:y1, x0:x1], hole[y0:y1, x0:x1], 3, cv2.INPAINT_TELEA)
    return Photo(image, erased, own)


def photos(folder):
    """The photos that may be trained on and whose corners were annotated."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "quads.csv")
    corners = {}
    with open(path, encoding="utf-8") as handle:
        for row in csv.reader(handle):
            if row[0] != "file":
                corners.setdefault(row[0], []).append((row[1], np.array([float(v) for v in row[2:10]], np.float32).reshape(4, 2)))
    found = []
    for image, _, name in data.trainable(folder, "cn"):
        if name not in corners:
            continue
        found.append(photo(image, [Known(text, quad, (0, 1, UNKNOWN)) for text, quad in corners[name]]))
    return found


def synthetic_background(rng, width, height):
    image = augment.backdrop(rng, height, width)
    for _ in range(int(rng.integers(2, 14))):
        x, y = rng.random(2) * (width, height)
        w, h = rng.uniform(5, width * 0.7), rng.uniform(4, height * 0.4)
        colour = [float(v) for v in rng.uniform(0, 255, 3)]
        kind = rng.integers(6)
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
        elif kind == 4:  # leaves, gravel, fabric
            part = image[int(y) : int(y + h), int(x) : int(x + w)]
            if part.size:
                grain = rng.normal(0, rng.uniform(10, 60), (part.shape[0] // 3 + 1, part.shape[1] // 3 + 1, 1)).astype(np.float32)
                part += cv2.resize(grain, (part.shape[1], part.shape[0]))[..., None]
        else:  # a panel without writing, of a plate's shape and colour
            ground = [float(v) for v in plates.vary(rng, [plates.WHITE, plates.YELLOW, plates.BLUE][rng.integers(3)])]
            cv2.rectangle(image, (int(x), int(y)), (int(x + w), int(y + w * rng.uniform(0.2, 0.7))), ground, -1)
    return np.clip(image, 0, 255).astype(np.uint8)


def writing(image, rng):
    """Words and numbers that are no plate: a door sign, a telephone number, a maker's name, the camera's date."""
    text = "".join(plates.letter(rng, "ABCDEFGHKLMNOPRSTUVXYZ0123456789") for _ in range(int(rng.integers(3, 12))))
    if rng.random() < 0.35:
        d = rng.integers(0, 10, 12)
        text = f"{d[0]}{d[1]}/{d[2]}{d[3]}/20{d[4]}{d[5]} {d[6]}{d[7]}:{d[8]}{d[9]}"
    height, width = image.shape[:2]
    place = (int(rng.uniform(-20, width * 0.8)), int(rng.uniform(10, height)))
    colour = [int(v) for v in rng.integers(0, 255, 3)]
    cv2.putText(image, text, place, int(rng.integers(0, 5)), rng.uniform(0.3, 1.6), colour, int(rng.integers(1, 4)), cv2.LINE_AA)


def badge(image, rng, box=None):
    """A maker's emblem or the name of a model: an oval with letters, rings, or raised letters alone."""
    height, width = image.shape[:2]
    if box is None:
        across = np.exp(rng.uniform(np.log(0.05), np.log(0.5))) * width
        box = (rng.uniform(0, width), rng.uniform(0, height), across, across * rng.uniform(0.25, 0.75))
    cx, cy, w, h = box
    ground = [int(v) for v in (rng.integers(0, 255, 3) if rng.random() < 0.5 else [rng.integers(0, 255)] * 3)]
    metal = [int(rng.integers(120, 255))] * 3
    axes_, turn = (max(2, int(w / 2)), max(2, int(h / 2))), float(rng.normal(0, 6))
    with_letters = True
    if rng.random() < 0.6:
        cv2.ellipse(image, (int(cx), int(cy)), axes_, turn, 0, 360, ground, -1, cv2.LINE_AA)
        cv2.ellipse(image, (int(cx), int(cy)), axes_, turn, 0, 360, metal, max(1, int(w * rng.uniform(0.02, 0.07))), cv2.LINE_AA)
        if rng.random() < 0.45:
            with_letters = False
            for _ in range(2):
                inner = (max(1, int(axes_[0] * rng.uniform(0.15, 0.95))), max(1, int(axes_[1] * rng.uniform(0.15, 0.95))))
                cv2.ellipse(image, (int(cx), int(cy + rng.normal(0, 0.1) * h)), inner, turn, 0, 360, metal, max(1, int(w * 0.04)), cv2.LINE_AA)
    if with_letters:
        text = "".join(plates.letter(rng, "ABCDEFGHIKLMNOPRSTUVXYZ") for _ in range(int(rng.integers(1, 8))))
        text = text if rng.random() < 0.6 else text.capitalize()
        face, pen = int(rng.choice([0, 1, 2, 3, 4, 7, 18])), max(1, int(h * rng.uniform(0.05, 0.14)))
        (tw, th), _ = cv2.getTextSize(text, face, 1.0, 1)
        scale = min(w * 0.8 / tw, h * 0.8 / th)
        at = (int(cx - tw * scale / 2), int(cy + th * scale / 2))
        cv2.putText(image, text, (at[0] + 1, at[1] + 1), face, scale, [int(v) for v in np.array(ground) * 0.3], pen + 1, cv2.LINE_AA)
        cv2.putText(image, text, at, face, scale, metal, pen, cv2.LINE_AA)


def holder(flat, rng):
    """The plate in its holder: bars of some width around it, a maker's name, a small flag. Returns the picture and the plate's place in it."""
    height, width = flat.shape[:2]
    left, top, right, bottom = 0, 0, 0, 0
    if rng.random() < 0.5:
        pad = rng.integers(3, 20)
        left, top, right, bottom = pad, pad, pad, pad + int(rng.random() < 0.4) * rng.integers(0, 34)
    flag = rng.random() < 0.28 and width > 3.6 * height
    if flag:
        left = int(height * rng.uniform(0.3, 0.75))
    tone = int(rng.integers(0, 90)) if rng.random() < 0.75 else int(rng.integers(90, 255))
    frame = cv2.copyMakeBorder(flat, int(top), int(bottom), int(left), int(right), cv2.BORDER_CONSTANT, value=[tone] * 3)
    if flag:  # the sticker beside many Vietnamese plates: red with a star, or the country's outline and letters
        red = (int(rng.integers(10, 60)), int(rng.integers(10, 90)), int(rng.integers(130, 240)))
        cv2.rectangle(frame, (int(rng.integers(0, 6)), int(top)), (left - int(rng.integers(0, 5)), int(top) + height), red, -1)
        if rng.random() < 0.6:
            cv2.drawMarker(frame, (left // 2, int(top) + int(height * rng.uniform(0.3, 0.6))), (30, 220, 240), cv2.MARKER_STAR, max(4, left // 3), 4)
        else:
            points = np.array([[left * rng.uniform(0.3, 0.6), top + height * y] for y in np.linspace(0.1, 0.65, 6)])
            cv2.polylines(frame, [points.astype(np.int32)], False, (220, 225, 230), int(rng.integers(4, 11)), cv2.LINE_AA)
            cv2.putText(frame, "VIE", (3, int(top) + int(height * 0.92)), 2, left / 62, (225, 225, 225), 1, cv2.LINE_AA)
    if bottom - top > 14 and rng.random() < 0.7:
        text = "".join(plates.letter(rng, "ABCDEFGHIKLMNORSTUVWY") for _ in range(int(rng.integers(3, 9))))
        cv2.putText(frame, text, (int(width * rng.uniform(0.1, 0.5)), frame.shape[0] - 5), 2, 0.7, [int(rng.integers(100, 255))] * 3, 1, cv2.LINE_AA)
    return frame, (left, top)


def lay(image, rng, plate, corners):
    """Sets the plate with its outer corners at `corners`; light follows the scene."""
    flat = plate.image.astype(np.float32)
    if rng.random() < 0.2:
        flat = augment.dirt(flat, rng)
    flat = np.clip(augment.shade(flat, rng), 0, 255).astype(np.uint8)
    height, width = flat.shape[:2]
    frame, (left, top) = holder(flat, rng)
    matrix = cv2.getPerspectiveTransform(unit(width, height) + np.array([left, top], np.float32), corners.astype(np.float32))
    shrink = width / max(4.0, np.linalg.norm(corners[1] - corners[0]))
    if shrink > 1.5:
        smaller = 1.25 / shrink
        frame = cv2.resize(frame, None, fx=smaller, fy=smaller, interpolation=cv2.INTER_AREA)
        matrix = matrix @ np.diag([1 / smaller, 1 / smaller, 1.0])
    low = np.maximum(np.floor(corners.min(0)) - np.ptp(corners[:, 0]) * 0.25 - 4, 0).astype(int)
    high = np.minimum(np.ceil(corners.max(0)) + np.ptp(corners[:, 0]) * 0.25 + 5, (image.shape[1], image.shape[0])).astype(int)
    part = image[low[1] : high[1], low[0] : high[0]]
    if part.size == 0:
        return
    matrix = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1.0]]) @ matrix
    size = (part.shape[1], part.shape[0])
    laid = cv2.warpPerspective(frame, matrix, size)
    mask = cv2.warpPerspective(np.full(frame.shape[:2], 255, np.uint8), matrix, size)
    mask = cv2.GaussianBlur(mask, (3, 3), 0).astype(np.float32)[..., None] / 255
    light = part.mean() / 128
    laid = laid * np.float32(np.clip(0.45 + 0.55 * light * rng.uniform(0.7, 1.4), 0.2, 1.5))
    part[:] = np.clip(part * (1 - mask) + laid * mask, 0, 255).astype(np.uint8)


def pose(rng, width, ratio, steep):
    """Corners about the origin of a plate seen askew. `steep`: share of plates that are turned far."""
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (width / 2, width * ratio / 2)
    corners[:, 1] *= rng.uniform(0.85, 1.12)
    far = rng.random() < steep
    # the far edge of a turned plate is the shorter one
    corners[:, 1] *= 1 + corners[:, 0] / (width / 2) * rng.normal(0, 0.12 if far else 0.04)
    corners[:, 0] *= 1 + corners[:, 1] / (width * ratio / 2) * rng.normal(0, 0.05 if far else 0.02)
    corners[:, 0] += corners[:, 1] * rng.normal(0, 0.35 if far else 0.1)
    corners[:, 0] *= rng.uniform(0.6, 1.0) if far and rng.random() < 0.5 else 1
    angle = rng.uniform(-0.6, 0.6) if far else rng.normal(0, 0.06)
    return corners @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def cut(photo, rng, size, target, quad, keep):
    """The photo warped so that its plate `quad` comes to about `target` (4 x 2) in a picture of `size`; and the matrix."""
    # affine: the photo turns and leans with the plate, its own perspective stays
    matrix = cv2.getAffineTransform(quad[[0, 1, 3]].astype(np.float32), target[[0, 1, 3]].astype(np.float32))
    source = photo.image if keep else photo.erased
    scale = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    if scale < 0.6:
        smaller = min(1.0, scale * 1.3)
        source = cv2.resize(source, None, fx=smaller, fy=smaller, interpolation=cv2.INTER_AREA)
        drawn = matrix @ np.diag([1 / smaller, 1 / smaller, 1.0])
    else:
        drawn = matrix
    border = [float(v) for v in rng.uniform(0, 255, 3)]
    mode = cv2.BORDER_CONSTANT if rng.random() < 0.5 else cv2.BORDER_REFLECT
    if mode == cv2.BORDER_REFLECT and keep:  # a mirrored plate is no plate
        mode = cv2.BORDER_REPLICATE
    return cv2.warpAffine(source, drawn, size, flags=cv2.INTER_LINEAR, borderMode=mode, borderValue=border), matrix


def cover(image, rng, quad):
    """Something in front of a part of the plate: a bar, a cable, mud at the lower edge."""
    u, v = axes(quad)
    centre = quad.mean(0)
    shade = [float(x) for x in rng.uniform(0, 160, 3)]
    if rng.random() < 0.5:
        a = centre + u * rng.uniform(-1.1, 1.1) + v * -1.5
        b = a + v * 3 + u * rng.uniform(-0.4, 0.4)
        cv2.line(image, tuple(int(x) for x in a), tuple(int(x) for x in b), shade, max(1, int(np.linalg.norm(u) * rng.uniform(0.01, 0.04))), cv2.LINE_AA)
    else:
        edge = rng.uniform(0.7, 1.0)
        points = [centre + u * t + v * (edge + rng.uniform(-0.12, 0.12)) for t in np.linspace(-1.1, 1.1, 7)]
        points += [centre + u * 1.2 + v * 1.6, centre - u * 1.2 + v * 1.6]
        cv2.fillPoly(image, [np.array(points, np.int32)], shade)


class Pool:
    """Rendered plates, each used a few times: drawing one costs as much as placing it."""

    def __init__(self, rng, faces, count=300):
        self.faces, self.count, self.made = faces, count, []

    def take(self, rng):
        if len(self.made) < self.count:
            self.made.append(plates.sample(rng, self.faces))
            return self.made[-1]
        place = rng.integers(self.count)
        if rng.random() < 0.35:
            self.made[place] = plates.sample(rng, self.faces)
        return self.made[place]


def close(rng, pool, stock, real_share=0.12):
    """[(picture, corners)] as two cameras see one plate, 34 to 250 pixels wide; and the plates.Plate, or the Known one of a photo."""
    width, height = CLOSE
    photo = stock[rng.integers(len(stock))] if stock and rng.random() < 0.6 else None
    photo = photo if photo and photo.plates else None
    steep = 0.4
    own = photo.plates[rng.integers(len(photo.plates))] if photo else None
    real = photo is not None and rng.random() < real_share / 0.6
    if real:
        u, v = axes(own.quad)
        ratio = np.linalg.norm(v) / max(1.0, np.linalg.norm(u))
        corners = pose(rng, 180, ratio, steep) + np.array([width, height]) / 2
        corners[2] = corners[1] + corners[3] - corners[0]  # an affine turn
        image, matrix = cut(photo, rng, CLOSE, corners, own.quad, True)
        corners = own.quad @ matrix[:, :2].T + matrix[:, 2]
        answer = own
    else:
        answer = pool.take(rng)
        ratio = answer.image.shape[0] / answer.image.shape[1]
        across = 185 if ratio < 0.45 else 135
        corners = pose(rng, across, ratio, steep) + np.array([width, height]) / 2 + rng.normal(0, 6, 2)
        if photo:
            u, v = axes(own.quad)
            like = pose(rng, across * rng.uniform(0.85, 1.1), np.linalg.norm(v) / max(1.0, np.linalg.norm(u)), 0)
            angle = np.arctan2(*(corners[1] - corners[0])[::-1])
            like = like @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) + corners.mean(0)
            image, _ = cut(photo, rng, CLOSE, like, own.quad, False)
            if rng.random() < 0.3:
                image = np.ascontiguousarray(image[:, ::-1])
        else:
            image = synthetic_background(rng, width, height)
        if rng.random() < 0.3:
            writing(image, rng)
        lay(image, rng, answer, corners)
        if rng.random() < 0.06:
            cover(image, rng, corners)
    across = np.linalg.norm(corners[1] - corners[0])
    seen = []
    for _ in range(2):  # composing costs more than looking twice
        wanted = np.exp(rng.uniform(np.log(46 if ratio < 0.45 else 34), np.log(260)))
        factor = min(1.0, wanted / across)
        small = image
        if factor < 1:
            small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA if rng.random() < 0.8 else cv2.INTER_LINEAR)
        shrunk = corners * (small.shape[1] / width, small.shape[0] / height)
        seen.append((augment.camera(small, rng, across * factor), shrunk.astype(np.float32)))
    return seen, answer


def rows(quad):
    return slice(int(quad[:, 1].min()), int(quad[:, 1].max()) + 1)


def columns(quad):
    return slice(int(quad[:, 0].min()), int(quad[:, 0].max()) + 1)


def overlaps(corners, quads, room=6):
    low, high = corners.min(0) - room, corners.max(0) + room
    return any((quad.max(0) > low).all() and (quad.min(0) < high).all() for quad in quads)


def wide(rng, pool, stock):
    """(BGR SIZE x SIZE, [4 x 2 corners]): plates from 12 to 280 pixels wide, or none."""
    quads = []
    if stock and rng.random() < 0.12:  # vehicles without plates
        photo = stock[rng.integers(len(stock))]
        scale = np.exp(rng.uniform(np.log(0.35), np.log(1.6))) * SIZE / min(photo.erased.shape[:2])
        height, width = photo.erased.shape[:2]
        place = rng.random(2) * np.maximum(0, np.array([width, height]) * scale - SIZE)
        matrix = np.array([[scale, 0, -place[0]], [0, scale, -place[1]]])
        image = cv2.warpAffine(photo.erased, matrix, (SIZE, SIZE), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)
    elif (photo := stock[rng.integers(len(stock))] if stock and rng.random() < 0.7 else None) and photo.plates:
        own = photo.plates[rng.integers(len(photo.plates))].quad
        keep = len(photo.plates) > 1 or rng.random() < 0.3
        u, v = axes(own)
        plate = None if keep else pool.take(rng)
        ratio = plate.image.shape[0] / plate.image.shape[1] if plate else np.linalg.norm(v) / np.linalg.norm(u)
        across = np.exp(rng.uniform(np.log(14), np.log(290))) * (1 if ratio < 0.45 else 0.75)
        place = rng.uniform(0.08, 0.92, 2) * SIZE if across < 0.5 * SIZE else rng.uniform(0.4, 0.6, 2) * SIZE
        corners = pose(rng, across, ratio, 0.2) + place
        like = corners.copy()
        if plate:  # the photo's plate had another shape
            angle = np.arctan2(*(corners[1] - corners[0])[::-1])
            like = pose(rng, across * rng.uniform(0.85, 1.1), np.linalg.norm(v) / np.linalg.norm(u), 0)
            like = like @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) + place
        image, matrix = cut(photo, rng, (SIZE, SIZE), like, own, keep)
        if keep:
            for one in photo.plates:
                seen = (one.quad @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
                if seen.min() >= 1 and seen.max() <= SIZE - 1 and np.linalg.norm(seen[1] - seen[0]) > 9:
                    quads.append(seen)
                elif seen.max(0).min() > 0 and seen.min(0).max() < SIZE:  # half a plate is neither plate nor background
                    cv2.fillConvexPoly(image, grown(seen, 1.1, 1.2).astype(np.int32), [float(c) for c in rng.uniform(0, 255, 3)])
        else:
            if rng.random() < 0.4:
                image = np.ascontiguousarray(image[:, ::-1])
                corners[:, 0] = SIZE - 1 - corners[:, 0]
                corners = corners[[1, 0, 3, 2]]
            if rng.random() < 0.9 and corners.min() > 1 and corners.max() < SIZE - 1:
                lay(image, rng, plate, corners)
                quads.append(corners.astype(np.float32))
    else:
        image = synthetic_background(rng, SIZE, SIZE)
    for _ in range(int(rng.integers(0, 5)) if rng.random() < 0.65 else 0):
        at = image.copy()
        (writing if rng.random() < 0.4 else badge)(at, rng)
        if all((at[rows(q), columns(q)] == image[rows(q), columns(q)]).all() for q in quads):
            image = at
    for _ in range(int(rng.choice([0, 1, 2, 3], p=[0.45, 0.3, 0.15, 0.1]))):
        plate = pool.take(rng)
        ratio = plate.image.shape[0] / plate.image.shape[1]
        across = np.exp(rng.uniform(np.log(13), np.log(240))) * (1 if ratio < 0.45 else 0.75)
        corners = pose(rng, across, ratio, 0.25) + rng.uniform(0.05, 0.95, 2) * SIZE
        if corners.min() > 1 and corners.max() < SIZE - 1 and not overlaps(corners, quads):
            lay(image, rng, plate, corners)
            quads.append(corners.astype(np.float32))
    return augment.camera(image, rng, 110), quads
