"""The demo: a talk made on this machine, served on loopback, and the real commands run on it."""
