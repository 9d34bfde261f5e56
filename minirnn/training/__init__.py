"""Training: the loop, the optimisers, threads and many processes, the three tasks, and fine-tuning on one hand."""
