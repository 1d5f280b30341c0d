"""The small encoder of the tests of retrieval."""

from ..tasks.retrieval.conftest import encoder, encoder_file, make_encoder  # noqa: F401
