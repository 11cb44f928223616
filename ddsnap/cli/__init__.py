"""The command line: options, rendering and the one error boundary."""
