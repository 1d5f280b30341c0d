"""Export an encoder twice and embed images with the .tflite file, as a device would.

python examples/export_and_embed.py
"""

import tempfile
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

import byol_keras as bk

images = bk.data.synthetic_images(64, seed=0)[0]
encoder = bk.resnet8(input_shape=(32, 32, 1))  # stands for one you trained

folder = Path(tempfile.mkdtemp())
served = bk.export.saved_model(encoder, folder / "encoder" / "1")
device = bk.export.tflite(encoder, folder / "encoder.tflite")
parities = bk.export.check_parity(encoder, {"SavedModel": served, "LiteRT": device}, images)
print(bk.export.parity_table(parities))
bk.export.require_parity(parities)

embed = Interpreter(str(device)).get_signature_runner()
vectors = [embed(images=image[None] / np.float32(255))["embedding"][0] for image in images]
print(f"{len(vectors)} embeddings of {len(vectors[0])} numbers from {device}")
