"""`python -m openitb` is `openitb`."""

from openitb.cli.main import main

if __name__ == "__main__":
    main()
