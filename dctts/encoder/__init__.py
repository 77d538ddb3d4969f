"""Who speaks: encoders of voices, Resemblyzer's and our own, and how one is trained (GE2E, arXiv:1710.10467)."""
