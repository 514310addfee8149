"""``python -m autocls``."""

from autocls.cli import main

if __name__ == "__main__":
    main()
