"""A sheet to write on: its texts, its drawing, and its reading back from a photograph.

    prompts -> geometry (where everything stands) -> printing (PDF)
    photograph -> marks (where the sheet is) -> photographs (light, perspective, which page, bands) -> filled (samples)

Lengths are in millimetres. Points are (x, y), y down, from the upper left corner of the sheet's box, the rectangle that
the four corner marks span. The box is the same on every paper, so nothing needs to be known about the paper, and a page
that the printer has scaled is read like any other.
"""
