"""What a camera does to a plate: perspective, light, dirt, blur, noise, compression."""

import cv2
import numpy as np


def shade(image, rng):
    """Uneven light and cast shadows; float32 in, float32 out."""
    height, width = image.shape[:2]
    if rng.random() < 0.5:
        gx, gy = rng.uniform(-0.35, 0.35, 2)
        ramp = 1 + gx * (np.linspace(-1, 1, width)[None, :, None]) + gy * (np.linspace(-1, 1, height)[:, None, None])
        image = image * ramp.astype(np.float32)
    if rng.random() < 0.25:
        mask = np.ones((height, width), np.float32)
        a, b = rng.uniform(-0.2, 1.2, 2) * width
        polygon = np.array([[a, 0], [width * 1.5, 0], [width * 1.5, height], [b, height]], np.int32)
        cv2.fillPoly(mask, [polygon], float(rng.uniform(0.4, 0.8)))
        image = image * mask[..., None]
    if rng.random() < 0.12:  # glare
        cx, cy = rng.random() * width, rng.random() * height
        yy, xx = np.mgrid[0:height, 0:width]
        spot = np.exp(-((xx - cx) ** 2 + (yy - cy) ** 2) / (2 * (rng.uniform(0.1, 0.4) * width) ** 2))
        image = image + (spot * rng.uniform(40, 160))[..., None].astype(np.float32)
    return image


def dirt(image, rng):
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(1, 6))):
        colour = [float(v) for v in rng.uniform(20, 160, 3)]
        centre = (int(rng.random() * width), int(rng.random() * height))
        axes = (int(rng.uniform(0.01, 0.07) * width) + 1, int(rng.uniform(0.02, 0.1) * height) + 1)
        over = image.copy()
        cv2.ellipse(over, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1)
        weight = rng.uniform(0.2, 0.7)
        image = image * (1 - weight) + over * weight
    return image


def optics(image, rng, strength=1.0):
    """Blur, resolution loss, exposure, colour, noise, JPEG; uint8 in, uint8 out."""
    height, width = image.shape[:2]
    if rng.random() < 0.45 * strength:
        factor = rng.uniform(0.28, 0.9)
        small = cv2.resize(image, (max(24, int(width * factor)), max(10, int(height * factor))), interpolation=cv2.INTER_AREA)
        image = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR if rng.random() < 0.6 else cv2.INTER_CUBIC)
    choice = rng.random()
    if choice < 0.35 * strength:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.8))
    elif choice < 0.5 * strength:
        length = int(rng.integers(3, 9))
        kernel = np.zeros((9, 9), np.float32)
        angle = rng.uniform(0, np.pi)
        for t in np.linspace(-length / 2, length / 2, 17):
            kernel[int(round(4 + t * np.sin(angle) / 1.3)) % 9, int(round(4 + t * np.cos(angle) / 1.3)) % 9] = 1
        image = cv2.filter2D(image, -1, kernel / kernel.sum())
    image = image.astype(np.float32)
    if rng.random() < 0.8:
        image = (image - 128) * rng.uniform(0.35, 1.25) + 128 + rng.uniform(-60, 50)
    if rng.random() < 0.5:
        image = image * rng.uniform(0.75, 1.25, 3).astype(np.float32)
    if rng.random() < 0.12:  # infrared or grey cameras
        image = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)
    if rng.random() < 0.2:
        image = 255 * np.power(np.clip(image, 0, 255) / 255, rng.uniform(0.5, 2.2))
    if rng.random() < 0.7:
        image = image + rng.normal(0, rng.uniform(1, 14), image.shape).astype(np.float32)
    image = np.clip(image, 0, 255).astype(np.uint8)
    if rng.random() < 0.35:
        _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))])
        image = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    return image


def backdrop(rng, height, width):
    """A plain synthetic surrounding: coloured bars, gradients, boxes."""
    image = np.empty((height, width, 3), np.float32)
    image[:] = rng.uniform(0, 255, 3)
    image += np.linspace(rng.uniform(-60, 60), rng.uniform(-60, 60), height)[:, None, None]
    for _ in range(int(rng.integers(0, 6))):
        x, y = rng.random(2) * (width, height)
        w, h = rng.random(2) * (width, height)
        colour = [float(v) for v in rng.uniform(0, 255, 3)]
        cv2.rectangle(image, (int(x), int(y)), (int(x + w), int(y + h)), colour, -1 if rng.random() < 0.7 else 3)
    return np.clip(image, 0, 255)


def crop_like(image, rng, size):
    """The plate as a detector would hand it over: roughly rectified into `size` (width, height), corners off by some per cent."""
    out_w, out_h = size
    height, width = image.shape[:2]
    image = image.astype(np.float32)
    if rng.random() < 0.15:
        image = dirt(image, rng)
    image = shade(image, rng)
    corners = np.array([[0, 0], [out_w, 0], [out_w, out_h], [0, out_h]], np.float32)
    if rng.random() < 0.75:
        target = corners + rng.normal(0, 1, (4, 2)).astype(np.float32) * (0.022 * out_w, 0.05 * out_h)
        target += rng.normal(0, 1, 2).astype(np.float32) * (0.015 * out_w, 0.03 * out_h)
    else:  # an axis-parallel box around a plate seen askew
        tilt, lean = rng.normal(0, 0.09) * out_h * 2, rng.normal(0, 0.04) * out_w
        target = corners + np.array([[lean, tilt], [lean, -tilt], [-lean, -tilt], [-lean, tilt]], np.float32)
        inset = rng.uniform(0, 0.12) * out_h
        target[:, 1] = np.where(target[:, 1] < out_h / 2, np.maximum(target[:, 1], 0) + inset, np.minimum(target[:, 1], out_h) - inset)
    matrix = cv2.getPerspectiveTransform(np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32), target.astype(np.float32))
    # shrink with area averaging first: a plain warp would alias
    plate = cv2.warpPerspective(cv2.blur(image, (2, 2)), matrix, (out_w, out_h), flags=cv2.INTER_LINEAR, borderValue=(-1000,) * 3)
    back = backdrop(rng, out_h, out_w)
    plate = np.where(plate < -200, back, plate)
    return optics(np.clip(plate, 0, 255).astype(np.uint8), rng)
