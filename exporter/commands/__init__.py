"""What a person types: the command line, its options, and what each command does."""
