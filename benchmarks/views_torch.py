"""Worker: two views of images by torchvision's transforms or lightly's BYOL transform, on PIL images.

Arguments: `torchvision` or `lightly`, `memory` or `files`, folder of images, view size, batch size, number of cores.
"""

import os
import sys
import time
from pathlib import Path

import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from .torch_networks import torchvision
from .workers import serve


def torchvision_views(image_size, crop_area=0.08, blurred=True):
    from torchvision import transforms as t

    taps = 2 * int(image_size / 20) + 1
    views = []
    for blur, solarize in ((1.0, 0.0), (0.1, 0.2)):
        steps = [
            t.RandomResizedCrop(image_size, (crop_area, 1.0), interpolation=t.InterpolationMode.BICUBIC),
            t.RandomHorizontalFlip(),
            t.RandomApply([t.ColorJitter(0.4, 0.4, 0.2, 0.1)], 0.8),
            t.RandomGrayscale(0.2),
            t.RandomApply([t.GaussianBlur(taps, (0.1, 2.0))], blur if blurred else 0.0),
            t.RandomSolarize(128, solarize),
            t.ToTensor(),
        ]
        views.append(t.Compose(steps))
    return lambda image: [view(image) for view in views]


def lightly_views(image_size, crop_area=0.08, blurred=True):
    from lightly.transforms.byol_transform import BYOLTransform, BYOLView1Transform, BYOLView2Transform

    options = {"input_size": image_size, "min_scale": crop_area} | ({} if blurred else {"gaussian_blur": 0.0})
    return BYOLTransform(view_1_transform=BYOLView1Transform(**options), view_2_transform=BYOLView2Transform(**options))


class ImageFiles(Dataset):
    """Images of a folder, decoded at once or on every access, and their two views."""

    def __init__(self, folder, transform, in_memory):
        self.paths = sorted(Path(folder).rglob("*.jpg"))
        self.transform = transform
        self.images = [Image.open(path).convert("RGB") for path in self.paths] if in_memory else None

    def __len__(self):
        return 10**9

    def __getitem__(self, index):
        index %= len(self.paths)
        image = self.images[index] if self.images else Image.open(self.paths[index]).convert("RGB")
        return self.transform(image)


def main(library, data, folder, image_size, batch_size, cores):
    cores = int(cores)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    torch.set_num_threads(1)
    transform = {"torchvision": torchvision_views, "lightly": lightly_views}[library](int(image_size))
    source = ImageFiles(folder, transform, data == "memory")
    # On one core the process itself, which is quicker there than one worker beside it.
    loader = DataLoader(source, int(batch_size), num_workers=cores if cores > 1 else 0)
    batches = iter(loader)
    for _ in range(2):
        next(batches)

    def measure(seconds=3.0):
        for _ in range(2 * cores):
            next(batches)
        count, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            count += len(next(batches)[0])
        return {"images_s": count / (time.perf_counter() - start)}

    serve(measure, torchvision=torchvision.__version__)


if __name__ == "__main__":
    main(*sys.argv[1:])
