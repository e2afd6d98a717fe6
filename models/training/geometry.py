"""Between the networks: how a frame is shrunk, how a plate that was found is looked at closer, and how it is pulled straight.

The same arithmetic stands in vision/src; pipeline.py runs it for evaluation.
"""

import cv2
import numpy as np

from scene import axes, grown, unit

READER_SIZE = (192, 64)  # width, height
REFINER_SIZE = (128, 64)
SURROUNDINGS = 1.6  # the refiner's picture against the plate
MARGIN = (1.08, 1.14)  # the reader's picture against the plate, across and down
REFINER_UNIT = 32.0


def parallelogram(quad):
    """Four noisy corners as their middle and two axes."""
    u, v = axes(quad)
    return (quad.mean(0) + np.array([-u - v, u - v, u + v, v - u])).astype(np.float32)


def nominal():
    """Where the plate's corners are in the refiner's picture if they were found rightly."""
    width, height = REFINER_SIZE
    return grown(unit(width, height), 1 / SURROUNDINGS)


def warp_to(image, quad, size):
    """(picture of `size`, matrix from the image into it); shrunk by averaging where the image is much finer."""
    width = max(np.linalg.norm(quad[0] - quad[1]), np.linalg.norm(quad[3] - quad[2]))
    times = int(np.clip(round(width / size[0]), 1, 4))
    matrix = cv2.getPerspectiveTransform(quad.astype(np.float32), unit(size[0] * times, size[1] * times))
    straight = cv2.warpPerspective(image, matrix, (size[0] * times, size[1] * times), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if times > 1:
        straight = cv2.resize(straight, size, interpolation=cv2.INTER_AREA)
        matrix = np.diag([1 / times, 1 / times, 1.0]) @ matrix
    return straight, matrix


def through(matrix, points):
    moved = np.c_[points, np.ones(len(points))] @ matrix.T
    return moved[:, :2] / moved[:, 2:]


def look_closer(image, quad):
    """(picture for the refiner, matrix into it)"""
    return warp_to(image, grown(parallelogram(quad), SURROUNDINGS), REFINER_SIZE)


def refined(out, matrix):
    """Corners in the image after the refiner's answer (its first eight values)."""
    return through(np.linalg.inv(matrix), nominal() + np.asarray(out[:8]).reshape(4, 2) * REFINER_UNIT).astype(np.float32)


def straighten(image, quad):
    """(picture for the reader, matrix into it)"""
    matrix = cv2.getPerspectiveTransform(unit(1, 1), quad.astype(np.float32))
    mx, my = (MARGIN[0] - 1) / 2, (MARGIN[1] - 1) / 2
    outer = through(matrix, np.array([[-mx, -my], [1 + mx, -my], [1 + mx, 1 + my], [-mx, 1 + my]]))
    return warp_to(image, outer.astype(np.float32), READER_SIZE)
