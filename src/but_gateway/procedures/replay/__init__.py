"""Replay: stored decisions made again with another law, other settings or other agreements, to see what a change would do."""
