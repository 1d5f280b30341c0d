"""Measurements side by side with other libraries. Each script prints a table and writes JSON; see RESULTS.md."""

import os

# As the commands of this package set it, before TensorFlow starts: without AVX-512 it leaves oneDNN's kernels off.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
