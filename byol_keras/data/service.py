"""Views made on other machines, by services of `tf.data`."""

import contextlib
import socket
from collections.abc import Callable, Iterator, Sequence

import tensorflow as tf

from ..errors import InputError
from ..utils.pipeline import parallel_map
from .images import ImageSource

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
    try:
        dispatcher = service.DispatchServer(service.DispatcherConfig(port=port))
    except tf.errors.OpError as error:
        raise InputError(f"Cannot listen at port {port}: {error.message}") from error
    own_port = dispatcher.target.rpartition(":")[2]
    with socket.socket() as free:
        free.bind(("", 0))
        worker_port = free.getsockname()[1]
    worker = service.WorkerServer(
        service.WorkerConfig(f"localhost:{own_port}", worker_address=f"{host}:{worker_port}", port=worker_port)
    )
    try:
        yield f"{SCHEME}{host}:{own_port}"
    finally:
        # The worker first, which would otherwise look for its dispatcher.
        worker._stop()
        dispatcher._stop()


def check_services(addresses: Sequence[str], source: ImageSource, batch_size: int) -> None:
    """Raises InputError where services cannot make batches of a source.

    Args:
        addresses: of the services, each `grpc://host:port`.
        source: `ImageSource`.
        batch_size: int, of all of them together.
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
            "A service reads images from files, which must lie at the same path on its machine; these are held in the "
            "memory of this one. Leave out `data_service`."
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
    workers: int = 1,
    worker: int = 0,
) -> tf.data.Dataset:
    """The batches of one worker, of which each service makes a part; the same as if they were made here.

    Args:
        make: makes what `two_view_batches` makes of an `input_context`.
        addresses: of the services.
        workers: how many processes train, each with services of its own.
        worker: which of them this is.

    Returns:
        tf.data.Dataset, as of `make` where one replica takes all that a worker makes.
    """
    service, count = tf.data.experimental.service, len(addresses)
    parts = []
    for place, address in enumerate(addresses):
        context = tf.distribute.InputContext(workers * count, worker * count + place, workers * count)
        # One machine makes all of a part, so nothing is to be divided, and its order is kept.
        distributed = service.distribute(service.ShardingPolicy.OFF, address, compression=None)
        parts.append(make(context).apply(distributed))

    def joined(*made):
        return tf.nest.map_structure(lambda *pieces: tf.concat(pieces, axis=0), *made)

    return parallel_map(tf.data.Dataset.zip(tuple(parts)), joined)
