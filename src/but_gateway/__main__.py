"""``python -m but_gateway`` is ``but-gateway``."""

from but_gateway.cli import main

if __name__ == "__main__":
    main()
