"""A command that is given what it cannot use."""

from byol_keras.cli.main import main


def failure(capfd, *arguments):
    """Runs a command that must fail on bad input; gives its one line of explanation."""
    capfd.readouterr()
    assert main([str(a) for a in arguments]) == 2
    lines = capfd.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]
