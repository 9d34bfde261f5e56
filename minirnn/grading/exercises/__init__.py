"""What each exercise asks for, in the order of the chain: one file per exercise."""
