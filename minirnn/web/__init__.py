"""Pages in the browser: the server that they share, for this computer and its user alone."""
