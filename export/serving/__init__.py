"""What a server needs around a SavedModel: warm-up requests, configuration, clients.

The clients, rest_client.py and grpc_client.py, stand alone: `write_serving_config` copies them beside the models.
"""

from .config import write_serving_config

__all__ = ["write_serving_config"]
