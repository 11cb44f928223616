"""One module per command: parse, open, call the use case, render."""
