"""Git-backed snapshots, drift review and replay for Datadog organizations."""

__version__ = "0.1.0"
