"""Numbers for Python objects, which a graph has in place of them.

TensorFlow never forgets a function that it is to call, and would hold what that function holds: memory, open files.
"""

import itertools
import weakref
from typing import Any

_objects: weakref.WeakValueDictionary = weakref.WeakValueDictionary()
_numbers = itertools.count()


def number_of(thing: Any) -> int:
    """A new number for an object, which is not kept alive by it."""
    number = next(_numbers)
    _objects[number] = thing
    return number


def with_number(number: Any) -> Any:
    """The object that was given a number, as an int or as what TensorFlow makes of one.

    Raises:
        KeyError: where nobody holds the object any more.
    """
    return _objects[int(number)]
