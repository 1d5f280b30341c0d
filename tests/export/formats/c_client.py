"""Requests to a SavedModel through TensorFlow's C API, in a process without TensorFlow's Python: see c_session.py."""

import base64
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from tensorflow.core.protobuf import saved_model_pb2

SESSION = Path(__file__).with_name("c_session.py")
LIBRARY = Path(importlib.util.find_spec("tensorflow").origin).parent


def call(path, folder, *requests):
    """What each request (signature, an array or a list of bytes) gives: a dict of arrays, or the message as a str."""
    saved = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    known = saved.meta_graphs[0].signature_def
    listed = []
    for i, (name, value) in enumerate(requests):
        (source,) = known[name].inputs.values()
        listed.append(
            {"input": source.name, "outputs": [known[name].outputs[o].name for o in sorted(known[name].outputs)]}
        )
        if isinstance(value, list):
            listed[-1]["strings"] = [base64.b64encode(string).decode() for string in value]
        else:
            listed[-1]["array"] = str(folder / f"{i}.npy")
            np.save(folder / f"{i}.npy", value)
    (folder / "requests.json").write_text(json.dumps(listed))
    arguments = (LIBRARY, path, folder / "requests.json", folder / "out.npz")
    process = subprocess.run([sys.executable, "-I", SESSION, *map(str, arguments)], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    with np.load(folder / "out.npz") as out:
        return [
            str(out[f"{i}.error"])
            if f"{i}.error" in out
            else {o: out[f"{i}.{j}"] for j, o in enumerate(sorted(known[name].outputs))}
            for i, (name, _) in enumerate(requests)
        ]
