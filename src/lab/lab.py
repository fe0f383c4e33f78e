"""`Lab`: every step a retriever can call."""

from .labels import LabelSteps


class Lab(LabelSteps):
    """The steps of texts.py, vectors.py, rankings.py and labels.py over one corpus, one store and one seed.

    lab = Lab(store, corpus, train=TrainSettings(), seed=0)
    checkpoint = lab.fit(encoder, Contrastive(), BM25Hard(), name="dpr")
    ranking = lab.rank(Trained(search=checkpoint), OPQ(), Scan(), "test")
    scores = lab.score(ranking, "test")
    """
