"""`python -m pipeline`: the same as `clone-pipeline`."""

from pipeline.cli import main

if __name__ == "__main__":
    main()
