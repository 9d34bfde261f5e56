"""The networks, composed of the layers; their checkpoints; and the check of all gradients."""
