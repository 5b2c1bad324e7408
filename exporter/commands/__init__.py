"""The command line: its commands, their options, and what each command does."""
