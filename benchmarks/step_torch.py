"""Worker: a training step of byol-pytorch or of lightly's BYOL example.

Arguments: `byol-pytorch` or `lightly`, network, image size, batch size, `float32` or `bfloat16`, `channels_last` or
`contiguous_format`, `eager` or `compiled`.
"""

import sys
import time

import torch
from torch import nn

from .torch_networks import LightlyBYOL, encoder
from .workers import serve


def byol_pytorch(network, image_size, memory_format, autocast, compiled):
    from byol_pytorch import BYOL

    backbone, _ = encoder(network, image_size)
    model = BYOL(
        backbone,
        image_size=image_size,
        hidden_layer="avgpool",
        projection_hidden_size=4096,
        augment_fn=nn.Identity(),
        augment_fn2=nn.Identity(),
    ).to(memory_format=memory_format)
    optimizer = torch.optim.SGD(model.parameters(), 0.03, momentum=0.9)
    forward = torch.compile(model) if compiled else model

    def step(view_1, view_2):
        # Without augmentation it sees the same images twice: the same work.
        with autocast():
            loss = forward(view_1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        model.update_moving_average()

    return step


def lightly(network, image_size, memory_format, autocast, compiled):
    from lightly.loss import NegativeCosineSimilarity
    from lightly.models.utils import update_momentum

    model = LightlyBYOL(*encoder(network, image_size)).to(memory_format=memory_format)
    criterion = NegativeCosineSimilarity()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(trained, 0.06, momentum=0.9)
    online, target = model.forward, model.forward_momentum
    if compiled:
        online, target = torch.compile(online), torch.compile(target)

    def step(view_1, view_2):
        update_momentum(model.backbone, model.backbone_momentum, m=0.99)
        update_momentum(model.projection_head, model.projection_head_momentum, m=0.99)
        with autocast():
            prediction_1, target_1 = online(view_1), target(view_1)
            prediction_2, target_2 = online(view_2), target(view_2)
            loss = 0.5 * (criterion(prediction_1, target_2) + criterion(prediction_2, target_1))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def matmul_gflops(dtype, size=4096):
    a = torch.randn(size, size).to(dtype)
    a @ a
    start = time.perf_counter()
    for _ in range(3):
        a @ a
    return 3 * 2 * size**3 / (time.perf_counter() - start) / 1e9


def main(peer, network, image_size, batch_size, precision, layout, mode):
    image_size, batch_size = int(image_size), int(batch_size)
    memory_format = getattr(torch, layout)

    def autocast():
        return torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16")

    build = {"byol-pytorch": byol_pytorch, "lightly": lightly}[peer]
    step = build(network, image_size, memory_format, autocast, mode == "compiled")
    views = [torch.rand(batch_size, 3, image_size, image_size).to(memory_format=memory_format) for _ in range(2)]
    for _ in range(2):
        step(*views)

    def measure(floor=None, steps=2):
        if floor:
            return {"gflops": matmul_gflops(getattr(torch, floor))}
        start = time.perf_counter()
        for _ in range(steps):
            step(*views)
        return {"seconds": (time.perf_counter() - start) / steps}

    serve(measure, torch=torch.__version__, threads=torch.get_num_threads())


if __name__ == "__main__":
    main(*sys.argv[1:])
