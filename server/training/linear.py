"""The linear part: logistic regression per head over the hashes of a text, weighted by how rare they are."""
import numpy
import scipy.sparse
import torch
from sklearn.linear_model import LogisticRegression

import data
import features
from model import Linear


def matrix(rows, idf=None):
    """Sparse counts [texts, BUCKETS] of the ids in each text's window; with idf weighted and divided by its norm, as `Linear` does."""
    indices, pointers = [], [0]
    for row in rows:
        indices.extend(i for token in row for i in token if i)
        pointers.append(len(indices))
    counts = scipy.sparse.csr_matrix((numpy.ones(len(indices), dtype=numpy.float32), numpy.array(indices), numpy.array(pointers)), shape=(len(rows), features.BUCKETS))
    if idf is None:
        return counts
    norms = numpy.sqrt(numpy.asarray(counts @ (idf * idf)).ravel()).clip(min=1e-3)
    return scipy.sparse.diags(1 / norms) @ counts @ scipy.sparse.diags(idf)


def fit(rows, targets, known, weights, strength=6.0) -> Linear:
    """rows: windows per text; targets, known [texts, heads]; weights [texts]."""
    counts = matrix(rows)
    counts.sum_duplicates()
    seen = numpy.asarray((counts > 0).sum(0)).ravel()
    # A hash seen in one text only says nothing: its weight is the average of none.
    idf = numpy.where(seen >= 2, numpy.log((1 + len(rows)) / (1 + seen)) + 1, 0.0).astype(numpy.float32)
    x = matrix(rows, idf).tocsr()
    table, bias = numpy.zeros((features.BUCKETS, len(data.HEADS)), dtype=numpy.float32), numpy.zeros(len(data.HEADS), dtype=numpy.float32)
    for head in range(len(data.HEADS)):
        use = numpy.flatnonzero(known[:, head] > 0.4)
        # A target of .6 is six parts yes and four parts no.
        y, w = targets[use, head], weights[use] * known[use, head]
        both = scipy.sparse.vstack([x[use][y > 0], x[use][y < 1]])
        labels = numpy.concatenate([numpy.ones((y > 0).sum()), numpy.zeros((y < 1).sum())])
        shares = numpy.concatenate([(w * y)[y > 0], (w * (1 - y))[y < 1]])
        model = LogisticRegression(C=strength, solver="liblinear", intercept_scaling=5.0, random_state=0).fit(both, labels, sample_weight=shares)
        table[:, head], bias[head] = model.coef_[0] * idf, model.intercept_[0]
    return Linear(torch.from_numpy(table), torch.from_numpy(idf * idf), torch.from_numpy(bias))
