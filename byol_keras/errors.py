"""The one exception that means: the input is wrong, not the program."""


class InputError(ValueError):
    """A mistake in what the user passed: a path, a name, a shape, a value.

    The message is one line and says what is wrong, where, and what to do. The command line prints it without a
    traceback and exits with code 2.
    """
