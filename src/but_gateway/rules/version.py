"""Which rule set this is. A decision names it; the same name stands for the same decisions from the same facts.

The name is written by hand, so that people can say it and a changed comment does not make a new one. A test compares the digest of
everything that decides (``but_gateway.rules.digest``) with ``DIGEST``: who changes a rule or the law has to set both.
"""

from typing import Final

RULE_SET: Final = "2026-11-22"
DIGEST: Final = "0c6862902d0da7d30025c7e62d84818f03d0a9e18b1b1cd6fd8291472048989c"
