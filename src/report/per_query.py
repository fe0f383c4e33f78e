"""The scores of each query, from the Parquet file next to a result row."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import LabradorError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PER_QUERY = "per_query.parquet"


def per_query(file: Path, metric: str) -> tuple[list[str], "NDArray[np.float64]"]:
    """Query ids [Q], sorted, and the metric of each, float64 [Q], for the row in `file`; NaN = no score.

    Raises LabradorError if the Parquet file is missing, or the metric in it.
    """
    import numpy as np
    import pyarrow.parquet as parquet

    scores = file.with_name(PER_QUERY)
    try:
        names = parquet.read_schema(scores).names
        if metric not in names:
            known = ", ".join(name for name in names if name != "qid")
            raise LabradorError(f"{scores}: {metric}: expected a metric of this file: {known}")
        table = parquet.read_table(scores, columns=["qid", metric]).sort_by("qid")
    except (OSError, ValueError) as error:
        line = str(error).splitlines()[0]
        raise LabradorError(f"{scores}: expected the scores of each query ({line}); run that cell again") from error
    return table["qid"].to_pylist(), table[metric].to_numpy().astype(np.float64)


def check_queries(first: Path, qids: Sequence[str], second: Path, others: Sequence[str]) -> None:
    """Raise LabradorError unless two result files have the same sorted query ids."""
    if qids != others:
        apart = sorted(set(qids) ^ set(others)) or ["one that occurs twice"]
        raise LabradorError(
            f"{first} ({len(qids):,}) and {second} ({len(others):,}) were scored on different queries: {apart[0]} is "
            "in only one of them; report runs on different queries separately"
        )
