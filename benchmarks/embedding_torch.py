"""Worker: embedding 4,096 images of a folder with torch or ONNX Runtime. Arguments: the way, the folder."""

import sys
import tempfile
import time
from pathlib import Path

import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from .torch_networks import encoder
from .workers import serve


class Files(Dataset):
    """The central squares of JPEG files, resized to 96 pixels, (3, 96, 96) float32."""

    def __init__(self, folder):
        from torchvision import transforms as t

        paths = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
        self.paths = paths[:: max(len(paths) // 4096, 1)][:4096]
        self.square = t.Compose([t.Resize(96, t.InterpolationMode.BICUBIC), t.CenterCrop(96), t.ToTensor()])

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        return self.square(Image.open(self.paths[index]).convert("RGB"))


def onnx_session(model, example):
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/encoder.onnx"
        torch.onnx.export(
            model, (example,), path, input_names=["images"], dynamic_axes={"images": {0: "batch"}}, dynamo=False
        )
        session = onnxruntime.InferenceSession(path)
    return lambda images: session.run(None, {"images": images.numpy()})[0]


def main(way, folder):
    model, _ = encoder("resnet18", 96)
    model.eval().requires_grad_(False)
    example = torch.rand(256, 3, 96, 96)
    if "channels_last" in way:
        model, example = (x.to(memory_format=torch.channels_last) for x in (model, example))
    precision = torch.bfloat16 if "bfloat16" in way else torch.float32
    model, example = model.to(precision), example.to(precision)
    forward = model
    if "frozen" in way:
        forward = torch.jit.freeze(torch.jit.trace(model, example))
    elif way == "ONNX Runtime":
        forward = onnx_session(model, example)
    files = Files(folder)

    def measure():
        start = time.perf_counter()
        with torch.inference_mode():
            for images in DataLoader(files, batch_size=256, num_workers=2):
                if "channels_last" in way:
                    images = images.to(precision, memory_format=torch.channels_last)
                forward(images)
        return {"images_s": len(files) / (time.perf_counter() - start)}

    measure()
    serve(measure)


if __name__ == "__main__":
    main(*sys.argv[1:])
