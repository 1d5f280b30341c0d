"""What the tests of the tasks make to work on, for the commands as well."""

from ..tasks.detection.conftest import write_squares  # noqa: F401
from ..tasks.labeling.conftest import colored  # noqa: F401
from ..tasks.retrieval.conftest import encoder, encoder_file, folder, make_encoder, save  # noqa: F401
from ..tasks.segmentation.conftest import draw_dataset  # noqa: F401
