"""Which rule set this is. A decision names it; the same name stands for the same decisions from the same facts.

The name is written by hand, so that people can say it and a changed comment does not make a new one. A test compares the digest of
everything that decides (``but_gateway.rules.digest``) with ``DIGEST``: who changes a rule or the law has to set both.
"""

from typing import Final

RULE_SET: Final = "2026-11-22"
DIGEST: Final = "aa32854af7c94f40bdfece97b983ea2c3a3f2e667afa83f08f8759e419c6c6d9"
