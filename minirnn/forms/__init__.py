"""A sheet to write on: its texts, its drawing, and its reading back from a photograph.

    prompts -> layout -> printing (PDF)
    photograph -> marks (where is the sheet) -> rectify (light, perspective, which page) -> bands -> samples

Lengths are millimetres and points are (x, y), y down, from the upper left corner of the sheet's box, the rectangle
that the four corner marks span. The box is the same on every paper, so that nothing needs to be known of the paper,
and a page that the printer scaled to fit is read like any other.
"""
