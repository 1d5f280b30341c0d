"""Run a SavedModel through TensorFlow's C API, without TensorFlow's Python.

    python -I c_session.py TENSORFLOW_FOLDER MODEL REQUESTS.json OUT.npz [THREADS]

REQUESTS.json: a list of {"input": tensor name, "outputs": [tensor names], "array": a .npy file, or "strings": a list of
base64, "times": how often to run}. OUT.npz: for request i and output j `i.j`, and `i.ms`, the times in milliseconds; or
`i.error`, TensorFlow's message. Needs numpy only.
"""

import base64
import ctypes
import json
import sys
import time
from ctypes import byref, c_char_p, c_int, c_int64, c_size_t, c_void_p

import numpy as np

DTYPES = {1: np.float32, 4: np.uint8, 9: np.int64, 10: np.bool_}  # TF_DataType
STRING, STRING_SIZE = 7, 24  # TF_STRING and sizeof(TF_TString)


class Output(ctypes.Structure):
    _fields_ = (("operation", c_void_p), ("index", c_int))


def open_library(folder):
    ctypes.CDLL(f"{folder}/libtensorflow_framework.so.2", mode=ctypes.RTLD_GLOBAL)
    library = ctypes.CDLL(f"{folder}/libtensorflow_cc.so.2", mode=ctypes.RTLD_GLOBAL)
    for name in ("NewStatus", "NewGraph", "NewSessionOptions", "LoadSessionFromSavedModel", "AllocateTensor"):
        getattr(library, f"TF_{name}").restype = c_void_p
    for name in ("TensorData", "GraphOperationByName", "StringGetDataPointer"):
        getattr(library, f"TF_{name}").restype = c_void_p
    library.TF_Message.restype = c_char_p
    library.TF_Dim.restype, library.TF_StringGetSize.restype = c_int64, c_size_t
    return library


class Session:
    """A loaded SavedModel."""

    def __init__(self, library, model, threads=0):
        self.library, self.status = library, c_void_p(library.TF_NewStatus())
        self.graph = c_void_p(library.TF_NewGraph())
        options, tags = c_void_p(library.TF_NewSessionOptions()), (c_char_p * 1)(b"serve")
        # A ConfigProto: fields 2 and 5 are the threads inside an operation and among operations.
        config = bytes([2 << 3, threads, 5 << 3, threads])
        library.TF_SetConfig(options, config, c_size_t(len(config)), self.status)
        self.session = c_void_p(
            library.TF_LoadSessionFromSavedModel(options, None, model.encode(), tags, 1, self.graph, None, self.status)
        )
        self.check()

    def check(self):
        if self.library.TF_GetCode(self.status):
            raise RuntimeError(self.library.TF_Message(self.status).decode(errors="replace"))

    def find(self, tensor):
        name, index = tensor.split(":")
        operation = self.library.TF_GraphOperationByName(self.graph, name.encode())
        if not operation:
            raise RuntimeError(f"no operation {name}")
        return Output(operation, int(index))

    def tensor(self, value):
        """A TF_Tensor of an array, or of a list of bytes."""
        strings = isinstance(value, list)
        shape = (len(value),) if strings else value.shape
        size = STRING_SIZE * len(value) if strings else value.nbytes
        kind = STRING if strings else next(code for code, dtype in DTYPES.items() if value.dtype == dtype)
        dimensions = (c_int64 * max(len(shape), 1))(*shape)
        tensor = c_void_p(self.library.TF_AllocateTensor(kind, dimensions, len(shape), c_size_t(size)))
        data = self.library.TF_TensorData(tensor)
        if strings:
            for i, string in enumerate(value):
                slot = c_void_p(data + i * STRING_SIZE)
                self.library.TF_StringInit(slot)
                self.library.TF_StringCopy(slot, string, c_size_t(len(string)))
        else:
            ctypes.memmove(data, np.ascontiguousarray(value).ctypes.data, size)
        return tensor

    def array(self, tensor):
        shape = [self.library.TF_Dim(tensor, i) for i in range(self.library.TF_NumDims(tensor))]
        data, count = self.library.TF_TensorData(tensor), int(np.prod(shape))
        kind = self.library.TF_TensorType(tensor)
        if kind != STRING:
            return np.frombuffer(ctypes.string_at(data, count * DTYPES[kind]().nbytes), DTYPES[kind]).reshape(shape)
        slots = [c_void_p(data + i * STRING_SIZE) for i in range(count)]
        found = [
            ctypes.string_at(self.library.TF_StringGetDataPointer(slot), self.library.TF_StringGetSize(slot)).decode()
            for slot in slots
        ]
        return np.array(found, str).reshape(shape)

    def run(self, source, value, outputs):
        fed, fetched = self.find(source), (Output * len(outputs))(*map(self.find, outputs))
        tensor, results = self.tensor(value), (c_void_p * len(outputs))()
        self.library.TF_SessionRun(
            self.session, None, byref(fed), byref(tensor), 1, fetched, results, len(outputs), None, 0, None, self.status
        )
        self.library.TF_DeleteTensor(tensor)
        self.check()
        arrays = [self.array(c_void_p(result)) for result in results]
        for result in results:
            self.library.TF_DeleteTensor(c_void_p(result))
        return arrays


def main(folder, model, requests, out, threads="0"):
    session, saved = Session(open_library(folder), model, int(threads)), {}
    with open(requests) as file:
        requests = json.load(file)
    for i, request in enumerate(requests):
        strings = request.get("strings")
        value = np.load(request["array"]) if strings is None else [base64.b64decode(string) for string in strings]
        times = []
        try:
            for _ in range(request.get("times", 1)):
                start = time.perf_counter()
                arrays = session.run(request["input"], value, request["outputs"])
                times.append(1000 * (time.perf_counter() - start))
        except RuntimeError as error:
            saved[f"{i}.error"] = str(error)
            continue
        saved.update({f"{i}.{j}": array for j, array in enumerate(arrays)}, **{f"{i}.ms": times})
    assert not {"tensorflow", "keras", "byol_keras"} & sys.modules.keys()
    np.savez(out, **saved)


if __name__ == "__main__":
    main(*sys.argv[1:])
