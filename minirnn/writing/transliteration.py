"""Text in plain letters, for hands that have not learned accents or typographic signs."""

import unicodedata

# Characters that have no decomposition into a plain letter and its accents.
PLAIN = {
    "‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‐": "-", "‑": "-", "–": "-",
    "—": "-", "…": "...", "ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ø": "o", "Ø": "O", "ł": "l",
    "Ł": "L", "đ": "d", "Đ": "D", "þ": "th", "Þ": "Th", "ð": "d", "ı": "i", "€": "EUR", "£": "GBP", "$": "USD",
    "%": " per cent", "@": " at ", "=": " equals ",
}  # fmt: skip

# Marks that type tells apart and a hand does not: each may be written as the other.
SAME_MARK = {
    "‘": "'", "’": "'", "‚": ",", "‛": "'", "′": "'", "´": "'", "`": "'", "“": '"', "”": '"', "„": '"', "‟": '"',
    "″": '"', "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "−": "-", "…": "...",
}  # fmt: skip


def as_written(text, unknown):
    """``text`` with typographic marks as a hand writes them, wherever ``unknown(text)`` lists them."""
    lacking = set(unknown(text))
    return "".join(SAME_MARK.get(c, c) if c in lacking else c for c in text)


def transliterate(text):
    """``text`` in plain letters: accents are dropped (é becomes e), typographic signs become typed ones."""
    replaced = "".join(PLAIN.get(c, c) for c in unicodedata.normalize("NFC", text))
    return "".join(c for c in unicodedata.normalize("NFKD", replaced) if not unicodedata.combining(c))
