"""The page in the browser on which a user types what line images say."""
