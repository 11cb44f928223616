"""git: the repository, snapshots, the journal and their locks."""
