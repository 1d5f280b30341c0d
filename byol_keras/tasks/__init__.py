"""What encoders are for, a folder each. The public names are in `__init__.pyi`, imported when they are used."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
