"""The exceptions that the command line prints as one line, and what they quote of others."""


class InputError(ValueError):
    """A mistake in what the user passed: a path, a name, a shape, a value.

    The message is one line and says what is wrong, where, and what to do. It names arguments, not flags, at its end as
    Keras does ("Received: tau_base=1.5"). The command line writes them as its flags, see `cli.arguments.in_flags`,
    prints the line without a traceback and exits with code 2.
    """


class ParityError(RuntimeError):
    """An exported file does not give the embeddings Keras gives, or does not run.

    The command line prints it without a traceback and exits with code 1.
    """


class Interrupted(Exception):
    """Work that ended because a signal asked for it, after what was reached had been saved.

    The command line prints it without a traceback and exits with code 128 + signal, as shells count: 130 after Ctrl-C,
    143 after SIGTERM.

    Args:
        message: one line: what was saved, and how to go on.
        signal: its number.
    """

    def __init__(self, message: str, signal: int):
        super().__init__(message)
        self.signal = signal


def first_line(error: Exception) -> str:
    """What another library's error says, short enough for the one line of an InputError."""
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__).strip()
