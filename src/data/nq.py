"""data=nq: Natural Questions in DPR's release, 58,880 train and 3,610 test questions; a trailing "?" is dropped."""

from ..settings import component
from .download import Download
from .dpr_files import HOST, WIKIPEDIA, DprSource

# Sizes and MD5 as in ir-datasets. The test file has no published checksum: its size is checked against the one that the
# server reports.
TRAIN = Download(
    url=f"{HOST}/data/retriever/biencoder-nq-train.json.gz",
    size=2_314_892_908,
    md5="a1c927b5adae71388eb064329387709f",
)
DEV = Download(
    url=f"{HOST}/data/retriever/biencoder-nq-dev.json.gz", size=256_239_282, md5="2640483dbe0df7ae29c6da419c551a80"
)
TEST = Download(url=f"{HOST}/data/retriever/nq-test.qa.csv")


@component
class Nq(DprSource):
    """Natural Questions over 21 million Wikipedia passages."""

    option = "nq"
    downloads = (WIKIPEDIA, TRAIN, DEV, TEST)
    drops_question_mark = True
