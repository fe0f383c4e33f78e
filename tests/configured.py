"""Components as a run makes them: by the keys of the command line."""

from labrador.settings import build, declared

GROUPS = {"retrievers": "retriever", "quantizers": "quantizer"}  # of a room


def configured(cls, **values):
    """A component of these settings, those of its nested components among them; `values` may hold other parts, too."""
    settings = {key: value for key, value in values.items() if key in declared(cls)}
    parts = {name: part for name, part in values.items() if name not in settings}
    room = cls.__module__.split(".")[1]
    return build(GROUPS[room], {"_target_": f"{cls.__module__}.{cls.__name__}", **settings}, **parts)
