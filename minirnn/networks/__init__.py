"""The networks, composed from the layers, and what is kept of them in a file."""
