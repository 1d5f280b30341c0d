"""Worker: lightly or byol-pytorch training for a given time. Arguments: system, .npz of images, seed, minutes."""

import math
import sys
import time

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from .torch_networks import LightlyBYOL, resnet8x2
from .views_torch import lightly_views
from .workers import serve

BATCH, RATE, TAU = 64, 1e-3, 0.97


class ImageArray(Dataset):
    """(3, 32, 32) float32 tensors, or lightly's two views."""

    def __init__(self, images, transform=None):
        self.images, self.transform = images, transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        if self.transform:
            return self.transform(Image.fromarray(self.images[index]))
        return torch.from_numpy(self.images[index]).permute(2, 0, 1).float() / 255


def lightly(images):
    """(encoder, parameters to train, function that does a step on the next batch)."""
    from lightly.loss import NegativeCosineSimilarity
    from lightly.models.utils import update_momentum

    model = LightlyBYOL(resnet8x2(), 256).to(memory_format=torch.channels_last)
    criterion = NegativeCosineSimilarity()
    batches = forever(ImageArray(images, lightly_views(32)), workers=2)

    def loss():
        view_1, view_2 = (view.to(memory_format=torch.channels_last) for view in next(batches))
        update_momentum(model.backbone, model.backbone_momentum, m=TAU)
        update_momentum(model.projection_head, model.projection_head_momentum, m=TAU)
        with torch.autocast("cpu", torch.bfloat16):
            prediction_1, target_1 = model(view_1), model.forward_momentum(view_1)
            prediction_2, target_2 = model(view_2), model.forward_momentum(view_2)
            return 0.5 * (criterion(prediction_1, target_2) + criterion(prediction_2, target_1))

    return model.backbone, model, loss, lambda: None


def byol_pytorch(images):
    from byol_pytorch import BYOL

    encoder = resnet8x2()
    model = BYOL(encoder, image_size=32, hidden_layer=-1, projection_hidden_size=4096, moving_average_decay=TAU).to(
        memory_format=torch.channels_last
    )
    batches = forever(ImageArray(images), workers=0)

    def loss():
        batch = next(batches).to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            return model(batch)

    return encoder, model, loss, model.update_moving_average


def forever(images, workers):
    while True:
        yield from DataLoader(images, BATCH, shuffle=True, drop_last=True, num_workers=workers)


def embed(encoder, images, normalize):
    encoder.eval()
    with torch.inference_mode():
        batches = (torch.from_numpy(images[i : i + 256]).permute(0, 3, 1, 2) for i in range(0, len(images), 256))
        vectors = [encoder(normalize(batch.float() / 255)).float().numpy() for batch in batches]
    encoder.train()
    return np.concatenate(vectors)


def normalized():
    """What the encoder was trained on: both augmentations end with ImageNet's mean and std."""
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    return lambda batch: (batch - mean) / std


def main(system, data, seed, minutes):
    torch.manual_seed(int(seed))
    with np.load(data) as arrays:
        train, test = arrays["train"], arrays["test"]
    encoder, model, loss, after = {"lightly": lightly, "byol-pytorch": byol_pytorch}[system](train)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], RATE, weight_decay=1e-6)
    trained, normalize = {"seconds": 0.0, "steps": 0}, normalized()

    def measure(until, out):
        while trained["seconds"] < until:
            start = time.perf_counter()
            elapsed = trained["seconds"] / (60 * float(minutes))
            optimizer.param_groups[0]["lr"] = RATE * (1 + math.cos(math.pi * min(elapsed, 1))) / 2
            for _ in range(10):
                optimizer.zero_grad()
                loss().backward()
                optimizer.step()
                after()
            trained["seconds"] += time.perf_counter() - start
            trained["steps"] += 10
        np.savez(out, train=embed(encoder, train, normalize), test=embed(encoder, test, normalize))
        return trained

    serve(measure)


if __name__ == "__main__":
    main(*sys.argv[1:])
