"""Draws the pictures of vision/tests/data: three plain scenes, each with one rendered plate. `fixtures.py OUT`."""

import os
import sys

import cv2
import numpy as np

import plates
from glyphs import Faces


def flat(face, size, lines, ground, ink):
    width, height = size
    mask = np.zeros((height, width), np.uint8)
    rng = np.random.default_rng(3)
    for text, box, char_width in lines:
        plates.draw_line(mask, text, face, box, char_width, rng, 0.0)
    cv2.rectangle(mask, (4, 4), (width - 5, height - 5), 255, 3)
    alpha = (mask.astype(np.float32) / 255)[..., None]
    return np.clip(np.array(ground) * (1 - alpha) + np.array(ink) * alpha, 0, 255).astype(np.uint8)


def scene(plate, width, centre, slope):
    image = np.zeros((360, 640, 3), np.uint8)
    image[:] = np.linspace(150, 70, 360)[:, None, None]
    cv2.rectangle(image, (90, 40), (550, 330), (70, 60, 50), -1)
    cv2.rectangle(image, (130, 60), (510, 170), (110, 105, 95), -1)
    for x in (110, 460):
        cv2.rectangle(image, (x, 200), (x + 70, 235), (200, 215, 225), -1)
    for k in range(5):
        cv2.line(image, (220, 185 + k * 9), (420, 185 + k * 9), (30, 30, 30), 3)
    h, w = plate.shape[:2]
    half = np.array([width / 2, width * h / w / 2])
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
    corners[:, 1] += corners[:, 0] * slope
    corners += centre
    source = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, corners.astype(np.float32))
    laid = cv2.warpPerspective(cv2.blur(plate, (2, 2)), matrix, (640, 360))
    mask = cv2.warpPerspective(np.full((h, w), 255, np.uint8), matrix, (640, 360))[..., None] / 255.0
    image = cv2.GaussianBlur((image * (1 - mask) + laid * mask).astype(np.uint8), (3, 3), 0)
    return np.clip(image + np.random.default_rng(1).normal(0, 3, image.shape), 0, 255).astype(np.uint8)


def main():
    faces = Faces()
    face = {**faces.latin[0], **faces.cjk[0]}
    one = flat(face, (470, 110), [("12C-345.67", (12, 14, 446, 82), 42)], plates.WHITE, plates.BLACK)
    two = flat(face, (280, 200), [("98R", (40, 16, 200, 76), 46), ("012.85", (10, 108, 260, 76), 48)], plates.YELLOW, plates.BLACK)
    china = flat(face, (440, 140), [("桂F.12A86", (10, 25, 420, 90), 45)], plates.BLUE, plates.WHITE)
    for name, image in [
        ("vn_one_line_12C34567.jpg", scene(one, 190, (320, 275), 0.04)),
        ("vn_trailer_98R01285.jpg", scene(two, 140, (320, 265), -0.05)),
        ("cn_one_line_F12A86.jpg", scene(china, 180, (330, 280), 0.03)),
    ]:
        cv2.imwrite(os.path.join(sys.argv[1], name), image, [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
