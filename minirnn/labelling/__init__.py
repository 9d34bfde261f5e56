"""The page in the browser on which one types what line images say: its server, and the labels that it keeps."""
