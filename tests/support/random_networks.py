"""Networks nobody drew: residual, concatenated, split, shuffled, grouped, gated, with attention."""

from __future__ import annotations

import random
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Stage(nn.Module):
    """One step of a random network: maps `width` channels to `self.width`."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width


class Conv(Stage):
    def __init__(self, width: int, draw: random.Random) -> None:
        super().__init__(draw.choice([4, 6, 8, 12]))
        self.body = nn.Sequential(
            nn.Conv2d(
                width, self.width, draw.choice([1, 3]), padding="same", bias=draw.random() < 0.5
            ),
            draw.choice([nn.BatchNorm2d(self.width), nn.PReLU(self.width), nn.SiLU()]),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


class Grouped(Stage):
    def __init__(self, width: int, draw: random.Random) -> None:
        groups = draw.choice([g for g in (1, 2, 3, width) if width % g == 0])
        super().__init__(width * draw.choice([1, 2]))
        self.body = nn.Conv2d(width, self.width, 3, padding=1, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


class Residual(Stage):
    def __init__(self, width: int, draw: random.Random) -> None:
        super().__init__(width)
        inner = draw.choice([4, 6])
        self.body = nn.Sequential(
            nn.Conv2d(width, inner, 1), nn.BatchNorm2d(inner), nn.ReLU(), nn.Conv2d(inner, width, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.body(x))


class Concat(Stage):
    def __init__(self, width: int, draw: random.Random) -> None:
        growth = draw.choice([2, 4, 6])
        super().__init__(width + growth)
        self.body = nn.Conv2d(width, growth, 3, padding=1)
        self.flip = draw.random() < 0.5

    def forward(self, x: Tensor) -> Tensor:
        parts = [x, self.body(x)]
        return torch.cat(parts[::-1] if self.flip else parts, 1)


class Halves(Stage):
    """Chunk, work on one half, concatenate."""

    def __init__(self, width: int, draw: random.Random) -> None:
        super().__init__(width)
        self.body = nn.Conv2d(width // 2, width // 2, 1) if width % 2 == 0 else nn.Identity()
        self.cut = width % 2 == 0

    def forward(self, x: Tensor) -> Tensor:
        if not self.cut:
            return x
        left, right = x.chunk(2, 1)
        return torch.cat([left, self.body(right) * left], 1)


class Shuffle(Stage):
    def __init__(self, width: int, draw: random.Random) -> None:
        super().__init__(width)
        self.groups = 2 if width % 2 == 0 and width >= 4 else 1

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        return x.view(n, self.groups, c // self.groups, h, w).transpose(1, 2).reshape(n, c, h, w)


class Gate(Stage):
    def __init__(self, width: int, draw: random.Random) -> None:
        super().__init__(width)
        self.body = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, 4, 1), nn.ReLU(), nn.Conv2d(4, width, 1)
        )
        self.gain = nn.Parameter(torch.randn(width, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.body(x)) + self.gain


class Heads(Stage):
    """Attention over rows and columns, with an inner width of its own."""

    def __init__(self, width: int, draw: random.Random) -> None:
        super().__init__(width)
        self.num_heads = draw.choice([1, 2])
        self.head_dim = draw.choice([4, 6])
        inner = self.num_heads * self.head_dim
        self.qkv, self.out = nn.Linear(width, 3 * inner), nn.Linear(inner, width)
        self.is_fused = draw.random() < 0.5

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        tokens = self.qkv(x.flatten(2).transpose(1, 2))
        cut = tokens.reshape(n, h * w, 3, self.num_heads, self.head_dim)
        q, k, v = cut.permute(2, 0, 3, 1, 4)
        if self.is_fused:
            mixed = F.scaled_dot_product_attention(q, k, v)
        else:
            mixed = (q @ k.mT * q.shape[-1] ** -0.5).softmax(-1) @ v
        mixed = self.out(mixed.transpose(1, 2).flatten(2))
        return x + mixed.transpose(1, 2).reshape(n, c, h, w)


class Sphere(Stage):
    """Features on the unit sphere."""

    def __init__(self, width: int, draw: random.Random) -> None:
        super().__init__(width)

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(x, dim=1)


STAGES: list[Callable[[int, random.Random], Stage]] = [
    *(Conv, Grouped, Residual, Concat, Halves, Shuffle, Gate, Heads, Sphere)
]


def random_network(seed: int) -> nn.Module:
    """A convolution, three to six random stages, and a classifier."""
    draw = random.Random(seed)
    torch.manual_seed(seed)
    stages: list[nn.Module] = [nn.Conv2d(3, 12, 3, padding=1)]
    width = 12
    for _ in range(draw.randint(3, 6)):
        stage = draw.choice(STAGES)(width, draw)
        stages.append(stage)
        width = stage.width
    if draw.random() < 0.5:
        tail = [nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * width, 8)]
    else:
        tail = [nn.Conv2d(width, 8, 1), nn.AdaptiveMaxPool2d(1), nn.Flatten()]
    return nn.Sequential(*stages, *tail, nn.ReLU(), nn.Linear(8, 3))
