"""What rankings of all items are worth, for the peers that score by Cornac."""

import numpy


def scored(model, data, shape):
    """Returns a score for each user and item, below all others where the model knows one of them not."""
    scores = numpy.full(shape, -numpy.inf)
    known = numpy.array([data.iid_map.get(item, -1) for item in range(shape[1])])
    for user in range(shape[0]):
        if user in data.uid_map:
            own = model.score(data.uid_map[user])
            scores[user, known >= 0] = own[known[known >= 0]]
    least = scores[numpy.isfinite(scores)].min() - 1
    scores[~numpy.isfinite(scores)] = least
    return scores


def quality(scores, users, items, train, test):
    """Returns recall@10, NDCG@10 and AUC of the test pairs, all items ranked without the user's training items."""
    seen, wanted = numpy.zeros(scores.shape, bool), numpy.zeros(scores.shape, bool)
    seen[users[train], items[train]] = True
    wanted[users[test], items[test]] = True
    recall, gain, area = [], [], []
    for user in numpy.flatnonzero(wanted.any(1)):
        left = numpy.flatnonzero(~seen[user])
        order = left[numpy.argsort(-scores[user, left], kind="stable")]
        hits = wanted[user, order]
        count = hits.sum()
        recall.append(hits[:10].sum() / count)
        worth = 1 / numpy.log2(numpy.arange(2, 12))
        gain.append((hits[:10] * worth).sum() / worth[: min(count, 10)].sum())
        places = numpy.flatnonzero(hits)
        others = len(order) - count
        area.append(1 - (places - numpy.arange(count)).sum() / (count * others) if others else 1)
    return numpy.mean(recall), numpy.mean(gain), numpy.mean(area)
