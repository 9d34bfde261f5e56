"""Reading: from the output of the network that reads to text, with confidences and places."""
