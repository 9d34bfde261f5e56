"""minirnn: a character-level recurrent network, every gradient by hand, that learns handwriting and writes."""

__version__ = "0.1.0"
