"""The networks, composed of the layers; their checkpoints; the gradient check; cells of one's own; PyTorch's layout."""
