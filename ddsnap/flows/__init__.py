"""The use cases, each a straight line from its inputs to its result."""
