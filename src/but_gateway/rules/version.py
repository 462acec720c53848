"""Which rule set this is. A decision names it; the same name stands for the same decisions from the same facts.

The name is written by hand, so that people can say it and a changed comment does not make a new one. A test compares the digest of
everything that decides (``but_gateway.rules.digest``) with ``DIGEST``: who changes a rule or the law has to set both.
"""

from typing import Final

RULE_SET: Final = "2026-11-22.5"
DIGEST: Final = "ea2afabba8ecab223476d1ea02d043af2caa650cdc241fe28174b5c3ba1dda8b"
