"""Which rule set this is. A decision names it; the same name stands for the same decisions from the same facts.

The name is written by hand, so that people can say it and a changed comment does not make a new one. A test compares the digest of
everything that decides (``but_gateway.rules.digest``) with ``DIGEST``: who changes a rule or the law has to set both.
"""

from typing import Final

RULE_SET: Final = "2026-11-22"
DIGEST: Final = "90b1adf5b851c682954593561aff91c28dc7d4ff58b77b2a8f3ff8f8d4e7b91d"
