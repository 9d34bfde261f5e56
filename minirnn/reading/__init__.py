"""From what the reading network says to text."""
