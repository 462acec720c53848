"""Children, entitlements, grants and their numbers."""
