"""Writing: text, character by character; lines of handwriting, move by move; and whole letters."""
