"""Values of a top list that have another share than usual, are new, or are missing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

from tidemark.domain.definitions import Measure
from tidemark.domain.toplists import TopList
from tidemark.domain.usual_shares import Share, Tops
from tidemark.domain.weighing import LIKELY, PRIOR, Finding, weigh_share

LEAST_NEW = 3
"""Events of a value that has never been before; fewer may be a slip."""
MOST_FOUND = 3
"""Values of one list that are told."""
JUDGED_HERE = 10
VALUE_PRIOR = PRIOR / 4
"""One of some twenty values is odd where the list is, but mostly several: less improbable than one among so many."""
LEAST_LEFT = 1e-6
SMALL_SHARE = 0.05
"""Values of a smaller share stray less than the largest do, on the even scale, by the root of the share."""


def top_findings(measure: Measure, tops: Tops, lists: Iterable[tuple[str, TopList]]) -> Iterator[Finding]:
    """Yield the values that are odd, of the scope in which the first is surest.

    Shares add up to one, so a value that rises lowers all others: what was found is left out before the next is sought.
    """
    found = [_odd_values(measure, tops, scope, top) for scope, top in lists]
    yield from max(found, key=lambda findings: findings[0].confidence if findings else 0, default=[])


def _odd_values(measure: Measure, tops: Tops, scope: str, top: TopList) -> list[Finding]:
    counts = dict(top.counts)
    total, left = sum(counts.values()), 1.0
    findings: list[Finding] = []
    judged = dict.fromkeys([*tops.largest, *sorted(counts, key=lambda key: (-counts[key], key))[:JUDGED_HERE]])
    while judged and total and len(findings) < MOST_FOUND:
        weighed = [_weigh(measure, tops, key, counts.get(key, 0), total, left, scope) for key in judged]
        best = max(weighed, key=lambda finding: (round(finding.confidence, 2), abs(finding.change)))
        if best.confidence < LIKELY:
            break
        findings.append(best)
        key = str(best.key)
        del judged[key]
        total -= counts.get(key, 0)
        left = max(LEAST_LEFT, left - share_of_key(tops, key).share)
    return findings


def _weigh(measure: Measure, tops: Tops, key: str, count: int, total: int, left: float, scope: str) -> Finding:
    """Weigh a value that has so many of `total` events, those of values with a share of 1 - `left` taken out."""
    whole = share_of_key(tops, key)
    share = replace(whole, share=min(1.0, whole.share / left))
    known = key in tops.counts
    kind = "vanished_value" if not count else "mover" if known else "new_value"
    likely = weigh_share(count, total, share, VALUE_PRIOR) if known or count >= LEAST_NEW else 0.0
    change = math.log((count + 0.5) / (total * share.share + 0.5))
    usual = total * share.share if known else 0.0
    return Finding(kind, measure, count, usual, likely, change, scope, total, key, hours=tops.hours)


def share_of_key(tops: Tops, key: str) -> Share:
    """Return what is usual of a value, be it a small one or one that nobody has seen."""
    if key in tops.largest:
        return tops.largest[key]
    share = tops.counts.get(key, tops.missed + 0.5) / tops.total
    return Share(min(1.0, share), tops.dispersion * math.sqrt(min(1.0, share / SMALL_SHARE)), tops.total, tops.hours)
