"""Training: the loop, the optimisers, threads and machines, the tasks, learning one hand."""
