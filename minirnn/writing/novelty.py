"""How much of a written text stands in the text that its network has learned from."""

LONG = 50  # characters: a sentence or so; shorter passages are common property


def copied(written, text, length=LONG):
    """The passages of ``written`` of more than ``length`` characters that stand in ``text`` word for word.

    Returns a list of (start, stop), as long as they can be, from left to right and without overlap."""
    found, start = [], 0
    while start + length < len(written):
        stop = start + length + 1
        place = text.find(written[start:stop])
        if place < 0:
            start += 1
            continue
        while stop < len(written):  # any of the places where it stands may be the one that goes on longest
            place = text.find(written[start : stop + 1], place)
            if place < 0:
                break
            stop += 1
        found.append((start, stop))
        start = stop
    return found


def novelty_report(written, text, length=LONG):
    """A sentence on which share of ``written`` is copied from ``text``, with the longest passage."""
    passages = copied(written, text, length)
    if not passages:
        return f"novelty     no passage of more than {length} characters stands in the text that was learned"
    count = sum(stop - start for start, stop in passages)
    start, stop = max(passages, key=lambda passage: passage[1] - passage[0])
    return (
        f"novelty     {count / len(written):.0%} of what is written stands in the text that was learned, in passages "
        f"of more than {length} characters; the longest has {stop - start}: {written[start:stop]!r}"
    )
