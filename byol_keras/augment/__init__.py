"""Two random views of each image, recording or text: batched functions with explicit seeds, and layers made of them."""

from .audio_views import AudioViews
from .token_views import TokenViews
from .two_views import TwoViews
from .view import VIEW_1, VIEW_2, random_view

__all__ = ["VIEW_1", "VIEW_2", "AudioViews", "TokenViews", "TwoViews", "random_view"]
