"""Packages that not every use needs: whether they are here, said before any work is done."""

import importlib.util

from ..errors import InputError

# Module -> the package that has it, and the extra of byol_keras that brings it, as in setup.cfg.
EXTRAS = {
    "ai_edge_litert": ("ai-edge-litert", "tflite"),
    "apache_beam": ("apache-beam", "beam"),
    "coremltools": ("coremltools", "coreml"),
    "imagecodecs": ("imagecodecs", "rasters"),
    "matplotlib": ("matplotlib", "report"),
    "onnx2torch": ("onnx2torch", "torch"),
    "onnxruntime": ("onnxruntime", "onnx"),
    "openvino": ("openvino", "openvino"),
    "pycocotools": ("pycocotools", "detection"),
    "pydicom": ("pydicom", "rasters"),
    "sklearn": ("scikit-learn", "evaluation"),
    "soundfile": ("soundfile", "audio"),
    "soxr": ("soxr", "audio"),
    "starlette": ("starlette", "labeling"),
    "tensorflow_serving": ("tensorflow-serving-api", "serving"),
    "tf2onnx": ("tf2onnx", "onnx"),
    "tflite_micro": ("tflite-micro", "micro"),
    "tifffile": ("tifffile", "rasters"),
    "torch": ("torch", "torch"),
    "usearch": ("usearch", "search"),
    "uvicorn": ("uvicorn", "labeling"),
}


def has_extra(*modules: str) -> bool:
    """Whether all of these modules can be imported; none is imported."""
    return all(importlib.util.find_spec(module) is not None for module in modules)


def require_extra(purpose: str, *modules: str) -> None:
    """Checks that the optional packages a piece of work needs are installed; called before the work begins.

    Args:
        purpose: what needs them, the beginning of a sentence: "The k-NN accuracy".
        *modules: keys of EXTRAS.

    Raises:
        InputError: naming every package that is missing, with the pip line that brings them.
    """
    missing = [EXTRAS[module] for module in modules if not has_extra(module)]
    if missing:
        packages = ", ".join(package for package, _ in missing)
        extras = ",".join(dict.fromkeys(extra for _, extra in missing))
        raise InputError(f'{purpose} needs {packages}. Install it: pip install "byol_keras[{extras}]"')
