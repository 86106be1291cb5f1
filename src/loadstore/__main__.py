"""``python -m loadstore``."""

from loadstore.cli import main

if __name__ == "__main__":
    main()
