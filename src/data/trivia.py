"""data=trivia: TriviaQA in DPR's release, 78,785 train and 11,313 test questions."""

from ..settings import component
from .download import Download
from .dpr_files import HOST, WIKIPEDIA, DprSource

# Sizes and MD5 as in ir-datasets. The test file has no published checksum: its size is checked against the one that the
# server reports.
TRAIN = Download(
    url=f"{HOST}/data/retriever/biencoder-trivia-train.json.gz",
    size=1_848_559_940,
    md5="5aa4d3577c91425cd20e239ed89a252b",
)
DEV = Download(
    url=f"{HOST}/data/retriever/biencoder-trivia-dev.json.gz", size=207_271_749, md5="d559dffe09acfe5a6370adea55b8abf2"
)
TEST = Download(url=f"{HOST}/data/retriever/trivia-test.qa.csv.gz")


@component
class Trivia(DprSource):
    """TriviaQA over 21 million Wikipedia passages."""

    option = "trivia"
    downloads = (WIKIPEDIA, TRAIN, DEV, TEST)
    drops_question_mark = False
