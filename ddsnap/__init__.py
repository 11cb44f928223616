"""Git-backed snapshots, drift review and migration plans for Datadog organizations."""

__version__ = "0.1.0"
