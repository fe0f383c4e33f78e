"""The error that is meant for people."""


class LabradorError(Exception):
    """A mistake in the input or the settings, told in one line: the value, what was expected, how to fix it.

    The runner prints the line and ends with exit code 2; any other exception is a fault of Labrador's own
    and keeps its traceback.
    """
