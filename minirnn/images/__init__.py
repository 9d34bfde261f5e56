"""From a picture of handwriting to strokes: reading, cleaning, cutting lines, tracing, augmenting."""
