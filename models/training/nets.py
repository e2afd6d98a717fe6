"""The three networks: plain convolution, batch norm, ReLU, nearest upsampling and one softmax, which OpenCV 4.6 runs rightly.

Input of all: N x 3 x H x W, RGB, (value - 127.5) / 64.
"""

import torch
from torch import nn

from geometry import READER_SIZE, REFINER_SIZE

SLOTS = 10
COUNTRIES, COLOURS = 2, 6


def block(cin, cout, stride=1, kernel=3):
    return nn.Sequential(nn.Conv2d(cin, cout, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(cout), nn.ReLU())


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first = block(width, width)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(x + self.second(self.first(x)))


class Standard(nn.Module):
    """Mean and contrast of the whole picture taken out, its colours kept: night, haze and glare look alike to what follows."""

    def __init__(self, size):
        super().__init__()
        self.width, self.height = size
        self.norm = nn.InstanceNorm2d(1, eps=0.004)  # a contrast under 4 grey levels is left low

    def forward(self, x):
        return 0.9 * self.norm(x.reshape(-1, 1, 3 * self.height, self.width)).reshape(-1, 3, self.height, self.width)


class Reader(nn.Module):
    """A place of its own for every character, whatever the layout.

    A deeper branch that sees the whole plate draws one attention map per place over the 8 x 24 feature cells; each place then
    classifies the features under its map. Outputs, logits: characters N x SLOTS x classes, layout N x 2 (one line, two lines),
    country N x 2 (vn, cn), colour of the ground N x 6. In training the maps come last.
    """

    def __init__(self, classes, slots=SLOTS):
        super().__init__()
        self.slots, self.classes = slots, classes
        self.standard = Standard(READER_SIZE)
        self.stem = nn.Sequential(block(3, 20, 2, 5), block(20, 32), block(32, 48, 2), Residual(48), block(48, 80, 2), Residual(80), Residual(80))
        self.wide = nn.Sequential(block(80, 64, 2), block(64, 64))
        self.whole = nn.Sequential(block(64, 64, 2), nn.Conv2d(64, 64, (2, 6)), nn.ReLU())
        self.place = nn.Conv2d(64, 64, 1)
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        # said outright instead of left to broadcasting, which not every OpenCV adds rightly after a convolution
        self.everywhere = nn.Upsample(scale_factor=(4, 12), mode="nearest")
        self.join = nn.Sequential(block(144, 64), nn.Conv2d(64, slots, 1))
        # position of the cell, learnt: tells equal characters at different places apart
        self.position = nn.Parameter(torch.zeros(1, slots, 8, 24))
        self.value = nn.Conv2d(80, 80, 1)
        self.spread = nn.Conv2d(slots, slots * 80, 1, groups=slots, bias=False)
        self.spread.weight.data.fill_(1.0)
        self.spread.weight.requires_grad = False
        self.head = nn.Conv2d(slots * 80, slots * classes, 1, groups=slots)
        self.layout, self.country, self.colour = nn.Linear(64, 2), nn.Linear(64, COUNTRIES), nn.Linear(64, COLOURS)

    def forward(self, x):
        features = self.stem(self.standard(x))
        wide = self.wide(features)
        whole = self.whole(wide)
        context = self.up(wide + self.everywhere(self.place(whole)))
        maps = self.join(torch.cat([features, context], 1)) + self.position
        flat = torch.softmax(maps.flatten(2), 2)
        value = self.value(features)
        if self.training:  # the same sums as a matrix product: quicker, but OpenCV 4.6 computes batched products wrongly
            pooled = torch.bmm(flat.to(value.dtype), value.flatten(2).transpose(1, 2)).flatten(1)[:, :, None, None]
        else:
            taken = self.spread(flat.view(-1, self.slots, 8, 24)) * torch.cat([value] * self.slots, 1)
            pooled = nn.functional.avg_pool2d(taken, (8, 24)) * (8 * 24)
        seen = whole.flatten(1)
        answers = self.head(pooled).view(-1, self.slots, self.classes), self.layout(seen), self.country(seen), self.colour(seen)
        return (*answers, flat) if self.training else answers


class Refiner(nn.Module):
    """Looks at the surroundings of a plate that was found (the plate fills 1/1.6 of the picture each way) and says how far each corner
    is from its nominal place, in units of 32 pixels, x and y, from the top left clockwise; the ninth value is the logit of "a plate"."""

    def __init__(self):
        super().__init__()
        self.standard = Standard(REFINER_SIZE)
        self.net = nn.Sequential(
            block(3, 16, 2), block(16, 32, 2), block(32, 48), block(48, 64, 2), Residual(64), block(64, 80, 2), block(80, 80), block(80, 28, 1, 1),
        )
        self.out = nn.Sequential(nn.Flatten(), nn.Linear(28 * 4 * 8, 128), nn.ReLU(), nn.Linear(128, 9))

    def forward(self, x):
        return self.out(self.net(self.standard(x)))


class Detector(nn.Module):
    """Centre heat and four corners a cell of 8 pixels: N x 9 x H/8 x W/8; channel 0 is the heat's logit, 1..8 are the
    corners' x, y offsets from the cell's centre in units of 64 pixels, from the top left corner clockwise."""

    def __init__(self):
        super().__init__()
        self.c2 = nn.Sequential(nn.Conv2d(3, 24, 6, 4, 1, bias=False), nn.BatchNorm2d(24), nn.ReLU())
        self.c3 = nn.Sequential(block(24, 48, 2), block(48, 48))
        self.c4 = nn.Sequential(block(48, 64, 2), Residual(64))
        self.c5 = nn.Sequential(block(64, 96, 2), Residual(96), nn.Conv2d(96, 64, 1))
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.relu = nn.ReLU()
        self.m4 = nn.Sequential(block(64, 64), nn.Conv2d(64, 40, 1))
        self.l3 = nn.Conv2d(48, 40, 1)
        self.m3 = block(40, 40)
        self.out = nn.Conv2d(40, 9, 1)
        nn.init.constant_(self.out.bias[:1], -4.0)

    def forward(self, x):
        c3 = self.c3(self.c2(x))
        c4 = self.c4(c3)
        m4 = self.m4(self.relu(c4 + self.up(self.c5(c4))))
        return self.out(self.m3(self.relu(self.l3(c3) + self.up(m4))))
