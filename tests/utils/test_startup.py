import os
import platform
import subprocess
import sys

import pytest

# What remains of the command line is not enough to do anything, so it ends once TensorFlow has started.
PROGRAM = """
import os, sys
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
from byol_keras.cli.main import main
assert main(sys.argv[1:]) == 2
import tensorflow as tf
print(tf.config.threading.get_intra_op_parallelism_threads())
"""
PRETRAIN = ["pretrain", "--out", "run"]
EVALUATE = ["evaluate", "missing", "--train", "missing", "--test", "missing"]


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2, reason="needs two CPUs")
@pytest.mark.parametrize(
    ("arguments", "environment", "threads"),
    [(PRETRAIN, {}, 1), (PRETRAIN, {"TF_NUM_INTRAOP_THREADS": "2"}, 0), (EVALUATE, {}, 0)],
    ids=["pretraining", "the user's own setting", "something else"],
)
def test_on_two_cpus_pretraining_gives_each_operation_one(arguments, environment, threads, tmp_path):
    clean = {name: value for name, value in os.environ.items() if name != "TF_NUM_INTRAOP_THREADS"}
    command = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(
        command, env=clean | environment | {"CUDA_VISIBLE_DEVICES": "-1"}, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == threads


KERNELS = """
from byol_keras.utils.startup import import_tensorflow
import_tensorflow()
from tensorflow.python.util._pywrap_util_port import IsMklEnabled
print(IsMklEnabled())
"""


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="other processors have other kernels")
@pytest.mark.parametrize(
    ("environment", "used"), [({}, "True"), ({"TF_ENABLE_ONEDNN_OPTS": "0"}, "False")], ids=["ours", "the user's own"]
)
def test_kernels_are_onednns(environment, used, tmp_path):
    clean = {name: value for name, value in os.environ.items() if name != "TF_ENABLE_ONEDNN_OPTS"}
    command = [sys.executable, "-c", KERNELS]
    done = subprocess.run(command, env=clean | environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.strip() == used, done.stderr
