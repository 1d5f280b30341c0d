"""What lies in the folder of a training run, and how it is written and read back.

Only what needs no Keras is imported here: the command line takes the recipes' names from it before TensorFlow starts.
"""

from . import recipe as recipes
from .audio_recipe import AudioRecipe
from .recipe import Recipe
from .run import Run
from .run_config import load_finished_run, load_run

__all__ = ["AudioRecipe", "Recipe", "Run", "load_finished_run", "load_run", "recipes"]
