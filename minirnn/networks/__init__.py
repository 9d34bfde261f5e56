"""The networks, composed from the layers."""
