"""What TensorFlow Serving reads beside the models: which ones to serve, how to batch, and a container to do it in."""

import os
import re
import shutil
import sys
from collections.abc import Collection
from pathlib import Path

from byol_keras.errors import InputError
from byol_keras.utils.atomic import atomic_path

CONTAINER_ROOT = "/models"
SERVER = "tensorflow/serving:2.21.0"  # of the TensorFlow that wrote the models, or a later one
# The network, and decoded images: at the largest size that is decoded, 0.8 GB for each request under way.
MEMORY = "4g"

# Larger batches gain little on a CPU, and a request waits at most these microseconds for others to join it.
LARGEST_BATCH, TIMEOUT = 32, 2000

FILES = ("models.config", "batching.config", "compose.yaml", "client/rest_client.py", "client/grpc_client.py")


def write_serving_config(
    folder: str | os.PathLike, root: str = CONTAINER_ROOT, without: Collection[str] = ()
) -> list[Path]:
    """Writes what serves every model in `folder`: models.config, batching.config, compose.yaml and client/.

    Args:
        folder: holds for each model a folder NAME/VERSION/ as `saved_model` writes it: "serving" for
            "serving/encoder/1". Files of these names in it are replaced.
        root: where the server sees the folder; its absolute path for a server without a container.
        without: those of FILES that are not written.

    Returns:
        The files written.

    Raises:
        InputError: if there is no model, or one whose name is not made of letters, digits, ".", "_" and "-".

    Example:
        bk.export.saved_model(encoder, "serving/encoder/1")
        bk.export.write_serving_config("serving")
    """
    folder = Path(folder)
    names = served_models(folder)
    if not names:
        raise InputError(f"No model to serve: nothing like {folder}/NAME/1/saved_model.pb. Received: folder={folder}")
    texts = {
        "models.config": models_config(names, root),
        "batching.config": batching_config(os.cpu_count() or 1),
        "compose.yaml": compose(names),
    }
    for name in (name for name in FILES if name not in without):
        with atomic_path(folder / name) as part:
            if name in texts:
                part.write_text(texts[name])
            else:
                shutil.copyfile(Path(__file__).with_name(Path(name).name), part)
    return [folder / name for name in FILES if name not in without]


def update_serving_config(folder: str | os.PathLike) -> list[Path]:
    """Writes of what `write_serving_config` does the files that are not there yet, and leaves the others as they are.

    models.config gets the models that it does not name, if it is as it was written, and so does compose.yaml, which
    checks their health. What somebody has edited is left alone, and what models.config does not name said on stderr.

    Args:
        folder: as for `write_serving_config`.

    Returns:
        The files written.

    Raises:
        InputError: as `write_serving_config`.
    """
    folder = Path(folder)
    own = {name: folder / name for name in FILES if (folder / name).exists()}
    names, root = served_models(folder), CONTAINER_ROOT
    if (path := own.get("models.config")) is not None:
        text = path.read_text(errors="replace")
        named = re.findall(r'^    name: "(.*)"$', text, re.MULTILINE)
        missing = sorted(set(names) - set(named))
        found = re.search(r'^    base_path: "(.*)/[^/]*"$', text, re.MULTILINE)
        if missing and found and text == models_config(named, found[1]):
            root = found[1]
            del own["models.config"]
            compose_file = own.get("compose.yaml")
            if compose_file is not None and compose_file.read_text(errors="replace") == compose(named):
                del own["compose.yaml"]  # whose check of health names the models too
        elif missing:
            unnamed = ", ".join(missing)
            print(f"{path} was edited and does not name {unnamed}: no server will load it.", file=sys.stderr)
    return write_serving_config(folder, root, without=tuple(own))


def served_models(folder: Path) -> list[str]:
    """The models in a folder.

    Args:
        folder: as for `write_serving_config`.

    Returns:
        Names of the folders in it that have a version of a SavedModel, sorted.

    Raises:
        InputError: if a name cannot be part of an address.
    """
    names = sorted({path.parts[-3] for path in folder.glob("*/*/saved_model.pb") if path.parts[-2].isdigit()})
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
            raise InputError(
                "A model's name is part of its address: letters, digits, '.', '_' and '-'. Rename the folder. "
                f"Received: {folder / name}"
            )
    return names


def models_config(names: list[str], root: str) -> str:
    """The text of a ModelServerConfig. Of each model the highest version is served, and a new one as it appears.

    Args:
        names: of the models.
        root: where the server sees the folder that they are in.
    """
    models = (
        f'  config {{\n    name: "{name}"\n    base_path: "{root}/{name}"\n    model_platform: "tensorflow"\n  }}\n'
        for name in names
    )
    return f"model_config_list {{\n{''.join(models)}}}\n"


def batching_config(threads: int) -> str:
    """The text of a BatchingParameters.

    No allowed_batch_sizes: they fill a batch up with copies, which costs a CPU as much as real images.

    Args:
        threads: on which batches are computed, one each.
    """
    return (
        f"max_batch_size {{ value: {LARGEST_BATCH} }}\n"
        f"batch_timeout_micros {{ value: {TIMEOUT} }}\n"
        f"max_enqueued_batches {{ value: {8 * threads} }}\n"
        f"num_batch_threads {{ value: {threads} }}\n"
    )


def compose(names: list[str]) -> str:
    """A compose file for the folder it lies in: gRPC on port 8500, REST on 8501, of this machine only.

    The server runs as nobody, can write nowhere but to /tmp, and may do nothing that root may.

    Args:
        names: of the models; the container is healthy while each is served.
    """
    return f"""\
services:
  serving:
    # A tag may be given to another image; a digest may not. Once you have looked at what you pulled, write here what
    #   docker image inspect --format '{{{{index .RepoDigests 0}}}}' {SERVER}
    # prints.
    image: {SERVER}
    # Only programs on this machine reach the ports: they have neither passwords nor encryption. For others, put a proxy
    # in front that has both.
    ports:
      - "127.0.0.1:8500:8500"
      - "127.0.0.1:8501:8501"
    volumes:
      - .:{CONTAINER_ROOT}:ro
    command:
      - --model_config_file={CONTAINER_ROOT}/models.config
      - --model_config_file_poll_wait_seconds=60
      # Joins requests into batches. Arrays can be joined only if all have one size.
      # - --enable_batching=true
      # - --batching_parameters_file={CONTAINER_ROOT}/batching.config
    # Nobody: the files have to be readable for all.
    user: "65534:65534"
    read_only: true
    tmpfs:
      - /tmp
    cap_drop:
      - ALL
    security_opt:
      - no-new-privileges:true
    # A server that needs more is ended and begins anew. Large networks need more, see docs/serving.md.
    mem_limit: {MEMORY}
    # The image has no curl; its shell can open a connection.
    healthcheck:
      test:
        - CMD
        - bash
        - -c
        - |
          {_health_check(names)}
      interval: 30s
      timeout: 10s
      retries: 3
      start_period: 120s
    restart: unless-stopped
"""


def _health_check(names: list[str]) -> str:
    """A line of bash that fails unless the server says of each model that it is available."""
    request = "GET /v1/models/%s HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n"
    ask = f"exec 3<>/dev/tcp/127.0.0.1/8501 && printf '{request}' {{}} >&3 && grep -q '\"AVAILABLE\"' <&3"
    return " && ".join(f"({ask.format(name)})" for name in names)
