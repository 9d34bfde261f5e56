"""Handwriting as data: strokes, the vocabularies that turn characters and strokes into ids, spacing."""
