"""`Lab`: every step a retriever can call."""

from .rankings import RankingSteps


class Lab(RankingSteps):
    """The steps of texts.py, vectors.py and rankings.py over one corpus, one store and one seed.

    lab = Lab(store, corpus, train=TrainSettings(), seed=0)
    checkpoint = lab.fit(encoder, Contrastive(), BM25Hard(), name="dpr")
    ranking = lab.rank(Trained(search=checkpoint), OPQ(), Scan(), "test")
    scores = lab.score(ranking, "test")
    """
