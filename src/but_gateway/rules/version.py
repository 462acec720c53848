"""Which rule set this is. A decision names it; the same name stands for the same decisions from the same facts.

The name is written by hand, so that people can say it and a changed comment does not make a new one. A test compares the digest of
everything that decides (``but_gateway.rules.digest``) with ``DIGEST``: who changes a rule or the law has to set both.
"""

from typing import Final

RULE_SET: Final = "2026-11-22.4"
DIGEST: Final = "08a62621f60bfdcd7dfae5c35d9fd31dfbe0cd4c404fa5d482916c4fe0fa6da4"
