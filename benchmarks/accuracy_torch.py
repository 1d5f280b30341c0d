"""Worker: a peer training for a given time. Arguments: system, .npz of images, setting as JSON."""

import copy
import json
import sys
import time

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from .accuracy_settings import rate_at, tau_at
from .torch_networks import LightlyBYOL, resnet8x2
from .views_torch import lightly_views, torchvision_views
from .workers import serve

SIZE = 32
# With these all the views end.
MEAN, STD = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


class ImageArray(Dataset):
    """(3, 32, 32) float32 tensors, or what a transform makes of PIL images."""

    def __init__(self, images, transform=None):
        self.images, self.transform = images, transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        if self.transform:
            return self.transform(Image.fromarray(self.images[index]))
        return torch.from_numpy(self.images[index]).permute(2, 0, 1).float() / 255


def lightly(images, setting):
    """(encoder, what is trained, function that gives a batch's loss, function that moves the target)."""
    from lightly.loss import NegativeCosineSimilarity
    from lightly.models.utils import update_momentum

    model = LightlyBYOL(resnet8x2(), 256, setting["hidden_width"]).to(memory_format=torch.channels_last)
    criterion = NegativeCosineSimilarity()
    views = lightly_views(SIZE, setting["crop_area"], setting["blur"])
    batches = forever(ImageArray(images, views), setting["batch"], workers=2)

    def loss():
        view_1, view_2 = (view.to(memory_format=torch.channels_last) for view in next(batches))
        prediction_1, target_1 = model(view_1), model.forward_momentum(view_1)
        prediction_2, target_2 = model(view_2), model.forward_momentum(view_2)
        return 0.5 * (criterion(prediction_1, target_2) + criterion(prediction_2, target_1))

    def follow(tau):
        update_momentum(model.backbone, model.backbone_momentum, m=tau)
        update_momentum(model.projection_head, model.projection_head_momentum, m=tau)

    return model.backbone, model, loss, follow


def byol_pytorch(images, setting):
    from byol_pytorch import BYOL

    # Its own augmentation, which is drawn once for a whole batch; where there is to be no blur, the same without.
    augmentation = {} if setting["blur"] else {"augment_fn": batch_views(setting["crop_area"])}
    model = BYOL(
        resnet8x2(), image_size=SIZE, hidden_layer=-1, projection_hidden_size=setting["hidden_width"], **augmentation
    ).to(memory_format=torch.channels_last)
    batches = forever(ImageArray(images), setting["batch"], workers=0)

    def follow(tau):
        model.target_ema_updater.beta = tau
        model.update_moving_average()

    return model.net, model, lambda: model(next(batches).to(memory_format=torch.channels_last)), follow


def batch_views(crop_area):
    from torchvision import transforms as t

    return torch.nn.Sequential(
        t.RandomApply([t.ColorJitter(0.8, 0.8, 0.8, 0.2)], p=0.3),
        t.RandomGrayscale(p=0.2),
        t.RandomHorizontalFlip(),
        t.RandomResizedCrop((SIZE, SIZE), scale=(crop_area, 1.0)),
        t.Normalize(MEAN, STD),
    )


def stable_pretraining(images, setting):
    from stable_pretraining.methods.byol import BYOL
    from torchvision import transforms as t

    heads = (setting["hidden_width"], 256)
    model = BYOL(resnet8x2(), projector_dims=heads, predictor_dims=heads).to(memory_format=torch.channels_last)
    views, normalize = torchvision_views(SIZE, setting["crop_area"], setting["blur"]), t.Normalize(MEAN, STD)

    def normalized_views(image):
        return [normalize(view) for view in views(image)]

    batches = forever(ImageArray(images, normalized_views), setting["batch"], workers=2)

    def follow(tau):
        for part in (model.backbone, model.projector):
            part.ema_coefficient.fill_(tau)
            part.update_teacher()

    def loss():
        return model(*(view.to(memory_format=torch.channels_last) for view in next(batches))).loss

    return model.backbone.student, model, loss, follow


SYSTEMS = {"lightly": lightly, "byol-pytorch": byol_pytorch, "stable-pretraining": stable_pretraining}


def forever(images, batch, workers):
    while True:
        yield from DataLoader(images, batch, shuffle=True, drop_last=True, num_workers=workers)


def build_optimizer(model, setting):
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    arguments = {"lr": setting["rate"], "weight_decay": setting["weight_decay"]}
    if setting["optimizer"] == "sgd":
        return torch.optim.SGD(trained, momentum=0.9, **arguments)
    return torch.optim.AdamW(trained, **arguments)


def embed(encoder, images):
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    encoder.eval()
    with torch.inference_mode():
        batches = (torch.from_numpy(images[i : i + 256]).permute(0, 3, 1, 2) for i in range(0, len(images), 256))
        return np.concatenate([encoder((batch.float() / 255 - mean) / std).numpy() for batch in batches])


def main(system, data, setting):
    setting = json.loads(setting)
    torch.manual_seed(setting["seed"])
    with np.load(data) as arrays:
        train, test = arrays["train"], arrays["test"]
    encoder, model, loss, follow = SYSTEMS[system](train, setting)

    def step(optimizer, tau):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=setting["bfloat16"]):
            value = loss()
        value.backward()
        optimizer.step()
        follow(tau)

    optimizer = build_optimizer(model, setting)
    start_weights = copy.deepcopy(model.state_dict())
    for _ in range(3):  # as this package compiles in its first ones
        step(optimizer, setting["tau"])
    model.load_state_dict(start_weights)
    optimizer = build_optimizer(model, setting)

    def measure(out):
        seconds, steps, total = 0.0, 0, 60 * setting["minutes"]
        while seconds < total:
            start = time.perf_counter()
            optimizer.param_groups[0]["lr"] = rate_at(seconds / total, setting["rate"])
            tau = tau_at(seconds / total, setting["tau"])
            for _ in range(10):
                step(optimizer, tau)
            steps += 10
            seconds += time.perf_counter() - start
        np.savez(out, train=embed(encoder, train), test=embed(encoder, test))
        return {"steps": steps}

    serve(measure)


if __name__ == "__main__":
    main(*sys.argv[1:])
