"""What `minirnn.bench` measures: one contender a file, all with the same weights and the same chunk.

    package.py     this package
    products.py    its matrix products and nothing else: the limit
    textbook.py    a plain loop, gate by gate, with new arrays everywhere
    pytorch.py     the same networks in PyTorch
    timing.py      how contenders take turns;  scaling.py and memory.py: time and memory against sizes
    faults.py      how often a written line goes wrong, and how fast it is written (a command of its own)

A contender has two methods: ``train()``, one training step (forward, back, clipping, Adam) that returns the loss,
and ``generate()``, one generation step of a single stream (forward, a symbol drawn at temperature 0.8).
"""

LR, CLIP, TEMPERATURE = 1e-3, 1.0, 0.8
