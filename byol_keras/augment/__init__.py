"""Two random views of each image: batched image functions with explicit seeds, and the layer made of them."""

from .audio_views import AudioViews
from .two_views import TwoViews
from .view import VIEW_1, VIEW_2, random_view

__all__ = ["VIEW_1", "VIEW_2", "AudioViews", "TwoViews", "random_view"]
