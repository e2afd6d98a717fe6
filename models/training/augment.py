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


def rain(image, rng):
    height, width = image.shape[:2]
    streaks = np.zeros((height, width), np.float32)
    slant = rng.uniform(-0.3, 0.3)
    for _ in range(int(rng.integers(15, 90))):
        x, y = rng.random(2) * (width, height)
        length = rng.uniform(0.02, 0.1) * height
        cv2.line(streaks, (int(x), int(y)), (int(x + slant * length), int(y + length)), float(rng.uniform(15, 70)), 1, cv2.LINE_AA)
    return image + streaks[..., None]


def lamps(image, rng):
    """Headlights that shine into the lens."""
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(1, 3))):
        cx, cy = rng.uniform(-0.1, 1.1, 2) * (width, height)
        yy, xx = np.mgrid[0:height, 0:width].astype(np.float32)
        spread = rng.uniform(0.05, 0.25) * width
        image = image + (np.exp(-np.sqrt((xx - cx) ** 2 + (yy - cy) ** 2) / spread) * rng.uniform(80, 260))[..., None].astype(np.float32)
    return image


def haze(image, rng):
    veil = rng.uniform(0.1, 0.45)
    return image * (1 - veil) + rng.uniform(90, 230) * veil


def weather(image, rng):
    """Over a whole scene; float32 in and out."""
    choice = rng.random()
    return (rain if choice < 0.25 else lamps if choice < 0.6 else haze)(image, rng)


GRAIN = np.random.default_rng(9).standard_normal((700, 900, 3), np.float32)


def grain(rng, height, width, grey):
    """A cut of a fixed field of noise: drawing it anew costs more than the rest of the camera."""
    y, x = int(rng.integers(0, 700 - height)), int(rng.integers(0, 900 - width))
    cut = GRAIN[y : y + height, x : x + width, :: (-1 if rng.random() < 0.5 else 1)]
    return cut[..., :1] if grey else cut


def camera(image, rng, plate_px):
    """Blur, exposure, colour, noise, sharpening and compression at the picture's own resolution; uint8 in and out.

    `plate_px`: width of the plate; blur and noise are limited so that it stays readable for a human being."""
    room = np.clip(plate_px / 150, 0.25, 1.2)
    image = image.astype(np.float32)
    if rng.random() < 0.12:
        image = weather(image, rng)
    if rng.random() < 0.10:  # sun at noon, or a plate that shines back into the flash
        image = image * rng.uniform(1.1, 1.6)
    if rng.random() < 0.75:
        image = (image - 128) * rng.uniform(0.35, 1.25) + 128 + rng.uniform(-60, 50)
    if rng.random() < 0.12:  # dusk
        image = image * rng.uniform(0.2, 0.6)
    if rng.random() < 0.4:
        image = image * rng.uniform(0.78, 1.22, 3).astype(np.float32)
    if rng.random() < 0.12:  # infrared or grey cameras
        image = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)
    choice = rng.random()
    if choice < 0.4:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.6) * room)
    elif choice < 0.55:
        length = rng.uniform(2, 8) * room
        kernel = np.zeros((11, 11), np.float32)
        angle = rng.uniform(0, np.pi)
        for t in np.linspace(-length / 2, length / 2, 23):
            kernel[int(round(5 + t * np.sin(angle) * 0.9)), int(round(5 + t * np.cos(angle) * 0.9))] = 1
        image = cv2.filter2D(image, -1, kernel / kernel.sum())
    elif choice < 0.68:  # a camera's own sharpening
        image = image + (image - cv2.GaussianBlur(image, (0, 0), rng.uniform(0.6, 1.5))) * rng.uniform(0.4, 1.8)
    image = np.clip(image, 0, 255)
    if rng.random() < 0.2:
        image = 255 * np.power(image / 255, rng.uniform(0.5, 2.2))
    if rng.random() < 0.6:
        image = image + grain(rng, image.shape[0], image.shape[1], rng.random() < 0.5) * np.float32(rng.uniform(1, 4 + 6 * room))
    image = np.clip(image, 0, 255).astype(np.uint8)
    if rng.random() < 0.45:
        _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(22, 90))])
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
