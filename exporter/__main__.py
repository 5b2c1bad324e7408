"""Run the command without its installed script: ``python -m exporter``."""

from exporter.cli import main

if __name__ == "__main__":
    main()
