"""The embedded Datadog: strict, independent, over real HTTP."""
