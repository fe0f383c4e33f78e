"""Checks that the quantizers' settings share."""

from ..errors import LabradorError


def at_least(least: int, key: str, value: object) -> None:
    """Raise LabradorError unless `value` is an integer of `least` or more."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise LabradorError(f"{key}={value}: expected an integer of {least} or more; set {key}={least} or larger")


def above(limit: float, key: str, value: float) -> None:
    """Raise LabradorError unless `value` is greater than `limit`."""
    if not value > limit:
        raise LabradorError(f"{key}={value}: a number above {limit} was expected; set {key} higher")
