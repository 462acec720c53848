"""The record of what was done, by whom, to what."""
