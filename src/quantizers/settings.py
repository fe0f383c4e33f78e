"""Checks that the quantizers' settings share."""

from ..errors import LabradorError


def at_least(least: int, key: str, value: object) -> None:
    """Raise LabradorError unless `value` is an integer of `least` or more."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise LabradorError(f"{key}={value}: expected an integer of {least} or more; set {key}={least} or larger")
