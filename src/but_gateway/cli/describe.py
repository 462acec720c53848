"""``but-gateway openapi``: the description of the API, as it is committed."""

import json

from but_gateway.cli.report import say


def openapi() -> None:
    """Print the OpenAPI document of this release."""
    from but_gateway.app import create_app  # noqa: PLC0415 - help must not pay for it
    from but_gateway.settings import Settings  # noqa: PLC0415 - as above
    from but_gateway.web.openapi import describe  # noqa: PLC0415 - as above

    # The defaults, not the environment: the document is the same wherever it is made.
    say(json.dumps(describe(create_app(Settings())), ensure_ascii=False, indent=1))
