"""Worker: a small training by lightly's BYOL example under Lightning's Trainer, or by byol-pytorch's trainer.

    python -m benchmarks.faults_torch PEER DATA OUT EPOCHS [POISONED]

PEER is `lightly` or `byol-pytorch`, DATA a folder of images, POISONED the number of a step whose pixels are NaN. What
the library has saved in OUT is resumed by the library's means. OUT/steps.jsonl gets a line at the begin, with the step
that was resumed from, and one for each step that is done, with the names of its images; OUT/weights.npz the weights at
the end, and OUT/finite.json how many tensors of them and of each checkpoint are not finite.

One thread and no loading processes, so that a seeded run that is left alone repeats itself bit for bit.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from .torch_networks import LightlyBYOL, resnet8, torchvision
from .views_torch import lightly_views

BATCH, IMAGE_SIZE, HIDDEN_WIDTH = 16, 32, 1024
CHECKPOINT_STEPS = 3
SEED = 0


class StepLog:
    """OUT/steps.jsonl."""

    def __init__(self, out):
        self.file = (out / "steps.jsonl").open("a")
        self.step = 0

    def resumed(self, step):
        self.step = step
        self._write({"resumed": step})

    def done(self, names):
        self.step += 1
        self._write({"step": self.step, "images": names})

    def _write(self, line):
        print(json.dumps(line), file=self.file, flush=True)


def lightly(data, out, epochs, poisoned):
    import pytorch_lightning as pl
    from lightly.data import LightlyDataset
    from lightly.loss import NegativeCosineSimilarity
    from lightly.models.utils import update_momentum
    from lightly.utils.scheduler import cosine_schedule

    class Module(pl.LightningModule):
        """Of the shape of their example: the target moves before each step, by a cosine schedule over epochs."""

        def __init__(self):
            super().__init__()
            self.model = LightlyBYOL(resnet8(), 64, HIDDEN_WIDTH)
            self.criterion = NegativeCosineSimilarity()

        def training_step(self, batch, batch_idx):
            model, ((view_1, view_2), _, _) = self.model, batch
            rate = cosine_schedule(self.current_epoch, epochs, 0.996, 1)
            update_momentum(model.backbone, model.backbone_momentum, m=rate)
            update_momentum(model.projection_head, model.projection_head_momentum, m=rate)
            prediction_1, target_1 = model(view_1), model.forward_momentum(view_1)
            prediction_2, target_2 = model(view_2), model.forward_momentum(view_2)
            return 0.5 * (self.criterion(prediction_1, target_2) + self.criterion(prediction_2, target_1))

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.06)

    class Watch(pl.Callback):
        def on_train_start(self, trainer, module):
            log.resumed(trainer.global_step)

        def on_train_batch_start(self, trainer, module, batch, batch_idx):
            if trainer.global_step == poisoned:
                for view in batch[0]:
                    view.fill_(torch.nan)

        def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
            log.done(list(batch[2]))

    log = StepLog(out)
    pl.seed_everything(SEED, workers=True)
    module = Module()
    images = LightlyDataset(str(data), transform=lightly_views(IMAGE_SIZE))
    loader = DataLoader(images, BATCH, shuffle=True, drop_last=True, num_workers=0)
    checkpoint = pl.callbacks.ModelCheckpoint(out / "checkpoints", every_n_train_steps=CHECKPOINT_STEPS, save_last=True)
    trainer = pl.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        devices=1,
        callbacks=[Watch(), checkpoint],
        default_root_dir=out,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, loader, ckpt_path="last")
    checkpoints = {path.name: path for path in sorted((out / "checkpoints").glob("*.ckpt"))}
    return module.model, {
        name: torch.load(path, weights_only=False)["state_dict"] for name, path in checkpoints.items()
    }


class FolderForBYOL(Dataset):
    """torchvision's ImageFolder without labels, (3, 32, 32) float32; `names` are those of the images given so far."""

    def __init__(self, folder, poisoned):
        from torchvision import transforms

        to_tensor = transforms.Compose([transforms.Resize((IMAGE_SIZE, IMAGE_SIZE)), transforms.ToTensor()])
        self.images = torchvision.datasets.ImageFolder(folder, to_tensor)
        self.names, self.given, self.poisoned = [], 0, poisoned

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image, _ = self.images[index]
        self.names.append(str(Path(self.images.imgs[index][0]).relative_to(self.images.root)))
        self.given += 1
        return torch.full_like(image, torch.nan) if (self.given - 1) // BATCH == self.poisoned else image


def byol_pytorch(data, out, epochs, poisoned):
    """Their trainer saves the network alone, and has no way to resume: that takes the network and the steps left.

    Each process gets a folder for its checkpoints, since each numbers them from 0.
    """
    from accelerate.utils import set_seed
    from byol_pytorch.trainer import BYOLTrainer

    class Logged(torch.optim.Adam):
        def step(self, closure=None):
            result = super().step(closure)
            log.done(images.names[:BATCH])
            del images.names[:BATCH]
            return result

    log = StepLog(out)
    set_seed(SEED)
    images, network, begun = FolderForBYOL(data, poisoned), resnet8(), 0
    parts = sorted(out.glob("checkpoints-*"))
    for part in parts:
        # Number n is written after the step n * CHECKPOINT_STEPS, counted from 0.
        numbers = sorted(int(path.suffixes[-2][1:]) for path in part.glob("checkpoint.*.pt"))
        if numbers:
            network.load_state_dict(torch.load(part / f"checkpoint.{numbers[-1]}.pt"))
            begun += numbers[-1] * CHECKPOINT_STEPS + 1
    log.resumed(begun)
    trainer = BYOLTrainer(
        network,
        image_size=IMAGE_SIZE,
        hidden_layer=list(dict(network.named_children()))[-1],
        learning_rate=3e-4,
        dataset=images,
        num_train_steps=epochs * (len(images) // BATCH) - begun,
        batch_size=BATCH,
        optimizer_klass=Logged,
        checkpoint_every=CHECKPOINT_STEPS,
        checkpoint_folder=str(out / f"checkpoints-{len(parts)}"),
        byol_kwargs={"projection_hidden_size": HIDDEN_WIDTH},
        accelerator_kwargs={"cpu": True},
    )
    trainer()
    last = {str(path.relative_to(out)): torch.load(path) for path in out.glob("checkpoints-*/*.pt")}
    return trainer.byol, last


def main(peer, data, out, epochs, poisoned=-1):
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    train = {"lightly": lightly, "byol-pytorch": byol_pytorch}[peer]
    model, checkpoints = train(Path(data), out, int(epochs), int(poisoned))
    np.savez(out / "weights.npz", **{name: value.numpy() for name, value in model.state_dict().items()})
    states = {"the weights": model.state_dict(), **checkpoints}
    (out / "finite.json").write_text(json.dumps({name: not_finite(state) for name, state in states.items()}))


def not_finite(state):
    """[tensors with a NaN or an infinity, tensors]."""
    return [sum(not torch.isfinite(value).all() for value in state.values()), len(state)]


if __name__ == "__main__":
    main(*sys.argv[1:])
