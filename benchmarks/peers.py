"""The peers' own virtual environment: PyTorch, which does not go beside TensorFlow, and what runs on it."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ENVIRONMENT = Path(os.environ.get("BYOL_KERAS_PEERS", HERE / ".venv-peers"))
# From some indexes this comes with several GB of CUDA, which is not used. Without --no-deps the others would ask for a
# build of their own. Of torchvision a range: its release after 2.13's serves as well, and some pips have a cap on it.
TORCH = "torch==2.13.0"
ON_TORCH = [
    *("torchvision>=0.28,<0.30", "lightly==1.6.0", "byol-pytorch==0.9.1", "stable-pretraining==0.1.8"),
    *("lightning", "timm", "kornia"),
]
THEIR_NEEDS = [
    *("numpy", "pillow", "tqdm", "requests", "pyyaml", "einops", "accelerate", "beartype", "aenum", "hydra-core"),
    *("lightly_utils", "pytorch_lightning", "onnx", "onnxscript", "onnxruntime"),
    *("torchmetrics", "omegaconf", "loguru", "tabulate", "pandas", "rich", "requests-cache", "prettytable", "submitit"),
    *("zstandard", "typer", "scikit-learn", "richuru", "opt-einsum", "transformers", "datasets", "matplotlib"),
    "kornia_rs",
]


def peers_python():
    """The interpreter of the peers' environment, which is made on first use. Its path can be set beforehand.

    BYOL_KERAS_PEERS names another folder for the environment.
    """
    python = ENVIRONMENT / "bin" / "python"
    stamp = ENVIRONMENT / "installed"
    if not stamp.exists():
        print(f"Making the peers' environment in {ENVIRONMENT}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
        install = [python, "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, TORCH], check=True)
        subprocess.run([*install, "--no-deps", *ON_TORCH], check=True)
        subprocess.run([*install, *THEIR_NEEDS], check=True)
        stamp.touch()
    return python
