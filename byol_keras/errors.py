"""The exceptions that the command line prints as one line."""


class InputError(ValueError):
    """A mistake in what the user passed: a path, a name, a shape, a value.

    The message is one line and says what is wrong, where, and what to do. The command line prints it without a
    traceback and exits with code 2.
    """


class ParityError(RuntimeError):
    """An exported file does not give the embeddings Keras gives, or does not run.

    The command line prints it without a traceback and exits with code 1.
    """
