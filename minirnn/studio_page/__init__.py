"""The page in the browser on which one types a letter and sees it written by hand."""
