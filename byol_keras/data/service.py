"""Views made on other machines, by services of `tf.data`."""

import contextlib
import socket
from collections.abc import Callable, Iterator, Sequence

import tensorflow as tf

from ..errors import InputError
from ..utils.pipeline import parallel_map
from .images import ImageSource
from .train_pipeline import divided

SCHEME = "grpc://"
PATIENCE = 10.0  # seconds for an answer of a machine


@contextlib.contextmanager
def data_service(port: int, host: str) -> Iterator[str]:
    """A service that makes the batches it is asked for.

    It runs whatever graph it is sent, and reads whatever file that names: it belongs in a network of your own.

    Args:
        port: to listen at; 0 for one that is free.
        host: name of this machine, under which the others reach it.

    Yields:
        The service's address, `grpc://host:port`.

    Raises:
        InputError: where the port cannot be had.
    """
    service = tf.data.experimental.service
    own_port, worker_port = _free_port(port), _free_port(0)
    dispatcher = service.DispatchServer(service.DispatcherConfig(port=own_port))
    worker = service.WorkerServer(
        service.WorkerConfig(f"localhost:{own_port}", worker_address=f"{host}:{worker_port}", port=worker_port)
    )
    try:
        yield f"{SCHEME}{host}:{own_port}"
    finally:
        # They end when nobody holds them; the worker first, which would otherwise look for its dispatcher.
        del worker
        del dispatcher


def _free_port(port):
    # TensorFlow would share a port that another service listens at.
    with socket.socket() as free:
        try:
            free.bind(("", port))
        except OSError as error:
            raise InputError(f"Cannot listen at port {port}: {error.strerror}. Take another one.") from error
        return free.getsockname()[1]


def check_services(addresses: Sequence[str], source: ImageSource, batch_size: int) -> None:
    """Raises InputError where services cannot make batches of a source.

    Args:
        addresses: of the services of this process, each `grpc://host:port`.
        source: `ImageSource`.
        batch_size: int, of this process.
    """
    for address in addresses:
        host, _, port = address.removeprefix(SCHEME).rpartition(":")
        if not address.startswith(SCHEME) or not host or not port.isdecimal():
            raise InputError(f"A service is grpc://HOST:PORT. Received: data_service={address}")
        try:
            socket.create_connection((host, int(port)), PATIENCE).close()
        except OSError as error:
            raise InputError(
                f"No answer from {address} ({error.strerror or error}): start it with `byol-keras data-service`."
            ) from error
    if addresses and batch_size % len(addresses):
        raise InputError(
            f"Each of {len(addresses)} services makes an equal part of a batch. Received: batch_size={batch_size}"
        )
    if addresses and (source.paths is None or source.images is not None):
        raise InputError(
            "A service reads images that are files of their own, at the same path on its machine; these lie in larger "
            "files, or are held in memory here. Leave out `data_service`."
        )
    if addresses and not source.jpeg.all():
        first = source.names[int((~source.jpeg).argmax())]
        raise InputError(
            f"A service decodes JPEG in gray or RGB alone, and {int((~source.jpeg).sum()):,} of {len(source):,} images "
            f"are others, the first {first}: make these JPEG, or leave out `data_service`."
        )


def made_by_services(
    make: Callable[[tf.distribute.InputContext], tf.data.Dataset],
    addresses: Sequence[str],
    context: tf.distribute.InputContext | None = None,
) -> tf.data.Dataset:
    """The batches of this process, of which each service makes a part; the same as if they were made here.

    Args:
        make: makes what `two_view_batches` makes of an `input_context`.
        addresses: of the services.
        context: of this process, where it is one of several or has several replicas.

    Returns:
        tf.data.Dataset, as `make(context)`.
    """
    service, count, parts = tf.data.experimental.service, len(addresses), []
    workers, worker, replicas = 1, 0, 1
    if context is not None:
        workers, worker = context.num_input_pipelines, context.input_pipeline_id
        replicas = context.num_replicas_in_sync // workers
    for place, address in enumerate(addresses):
        part = tf.distribute.InputContext(workers * count, worker * count + place, workers * count)
        # One machine makes all of a part, so nothing is to be divided, and its order is kept.
        distributed = service.distribute(service.ShardingPolicy.OFF, address, compression=None)
        parts.append(make(part).apply(distributed))

    def joined(*made):
        return tf.nest.map_structure(lambda *pieces: tf.concat(pieces, axis=0), *made)

    batches = parallel_map(tf.data.Dataset.zip(tuple(parts)), joined)
    return batches if replicas == 1 else divided(batches, replicas)
