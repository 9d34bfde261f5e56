"""What `minirnn.bench` measures: one file per contender, all with the same weights and the same chunk.

    minirnn_steps.py   this package
    products.py        its matrix products and nothing else: the limit
    textbook.py        a plain loop, gate by gate, with new arrays everywhere
    pytorch_steps.py   the same networks in PyTorch
    comparison.py      the table of speeds; sizes.py: the networks; timing.py: how contenders take turns
    scaling.py         time and memory of a step against its sizes; memory.py: of a training against its data

Two commands of their own are beside them: written_lines.py, how often a written line goes wrong and how fast it is
written, and reading_step.py, a training step of the network that reads.

A contender has two methods: ``train()``, one training step (forward, backward, clipping, Adam) that returns the loss,
and ``generate()``, one generation step of a single stream (forward, a symbol drawn at temperature 0.8).
"""

LR, CLIP, TEMPERATURE = 1e-3, 1.0, 0.8
