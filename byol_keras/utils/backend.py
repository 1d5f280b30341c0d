"""The one Keras backend the package runs on."""

import json
import os
from pathlib import Path


def require_tensorflow() -> None:
    """Raises ImportError, in one line, where Keras is set to another backend than TensorFlow.

    Looks where Keras looks (KERAS_BACKEND, then keras.json) and does not import it: with a backend that is not
    installed, importing Keras would fail first, and less clearly.
    """
    name, origin = os.environ.get("KERAS_BACKEND"), "KERAS_BACKEND"
    if not name:
        path = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "keras.json"
        name, origin = _configured(path), str(path)
    if name != "tensorflow":
        raise ImportError(
            "byol_keras runs on the TensorFlow backend of Keras: set KERAS_BACKEND=tensorflow before importing it. "
            f"Received: {name!r} from {origin}"
        )


def _configured(path):
    try:
        return json.loads(path.read_text()).get("backend", "tensorflow")
    except (OSError, ValueError):
        return "tensorflow"  # what Keras takes when there is no file, or none it can read
