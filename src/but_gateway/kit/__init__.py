"""Floor 0: pure building blocks without domain words and without third parties."""
