"""Text in plain letters, for hands that have not learned accents or typographic signs."""

import unicodedata

SHOWN = 3  # words in which a character is shown

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


def whereabouts(character, text):
    """A character by its number and name, and the words of ``text`` in which it stands: "U+00E9 (é, LATIN SMALL LETTER
    E WITH ACUTE) in 'café'"."""
    name = unicodedata.name(character, "no name")
    shown = f"{character}, {name}" if character.isprintable() else name
    words = list(dict.fromkeys(word for word in text.split() if character in word))
    more = f" and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    where = f" in {', '.join(map(repr, words[:SHOWN]))}{more}" if words else ""
    return f"U+{ord(character):04X} ({shown}){where}"
