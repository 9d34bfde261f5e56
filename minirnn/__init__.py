"""minirnn: character-level recurrent networks, every gradient by hand, that learn handwriting and write.

What a user of the library needs, loaded when it is first used:

    CharRNN            the network of text
    PenRNN             the network of handwriting
    ReaderRNN          the network that reads
    load               a trained network from the folder of its run
    generate           text from a CharRNN, character by character
    Writer             a hand: lines of handwriting as strokes
    Reader             what stands in a line or on a page
    gradcheck          hold the gradients of a layer against central differences
    Case               what `gradcheck` checks

The layers are modules: ``from minirnn.layers import lstm``. ``python -m minirnn`` lists the commands.
"""

import importlib

__version__ = "0.1.0"

_HOMES = {
    "CharRNN": ("minirnn.networks.char_rnn", "CharRNN"),
    "PenRNN": ("minirnn.networks.pen_rnn", "PenRNN"),
    "ReaderRNN": ("minirnn.networks.reader_rnn", "ReaderRNN"),
    "load": ("minirnn.networks.rebuild", "load"),
    "generate": ("minirnn.writing.sampling", "generate"),
    "Writer": ("minirnn.writing.hands", "Writer"),
    "Reader": ("minirnn.reading.reader", "Reader"),
    "gradcheck": ("minirnn.networks.gradient_check", "check"),
    "Case": ("minirnn.networks.gradient_check", "Case"),
}
__all__ = sorted(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'minirnn' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(importlib.import_module(module), attribute)


def __dir__():
    return [*globals(), *__all__]
