"""Settings of a town, notices for its office."""
