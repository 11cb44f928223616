"""What Datadog has: one declaration per resource type."""
