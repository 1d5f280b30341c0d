"""`byol-keras data-service`."""

import argparse
import socket
from threading import Event

from .arguments import Commands, command


def add_to(commands: Commands) -> None:
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "data-service",
        _run,
        "make views for `pretrain --data-service` on another machine, until Ctrl-C",
        "data-service --port 5050",
    )
    add.add_argument("--port", metavar="N", type=int, default=5050, help="to listen at (default 5050); 0: a free one")
    add.add_argument(
        "--host", metavar="NAME", default=socket.gethostname(), help="of this machine, for others (default: its own)"
    )


def _run(options: argparse.Namespace) -> None:
    from ..data.service import data_service

    with data_service(options.port, options.host) as address:
        print(f"Making views: byol-keras pretrain --data-service {address}", flush=True)
        try:
            Event().wait()
        except KeyboardInterrupt:
            print("\nTrainings that have their views from here stop, and can be resumed.")
