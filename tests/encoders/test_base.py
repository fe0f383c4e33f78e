"""The fields every encoder has, and what is refused before any work."""

import pytest

from labrador.encoders.tiny import Tiny
from labrador.encoders.towers import load_towers
from labrador.errors import LabradorError


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"pooling": "max"}, "^pooling=max: expected one of cls, mean"),
        ({"dtype": "int8"}, "^dtype=int8: expected one of float32, float16"),
        ({"projection": 0}, "^projection=0: expected a whole number >= 1, or null"),
        ({"temperature": 0.0}, "^temperature=0: expected a number > 0"),
        ({"max_query_length": 3}, "^max_query_length=3: expected a whole number >= 8"),
        ({"max_passage_length": 513}, "encoder.max_passage_length=513: expected at most the 512 tokens"),
    ],
)
def test_impossible_fields_are_refused_by_name(fields, named):
    with pytest.raises(LabradorError, match=named):
        Tiny(**fields)


def test_dimension_is_the_projections_or_the_models():
    assert Tiny(hidden=16).dimension == 16
    assert Tiny(hidden=16, projection=5).dimension == 5
    assert load_towers(Tiny(hidden=16, projection=5)).dimension == 5
