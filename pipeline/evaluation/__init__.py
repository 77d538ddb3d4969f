"""How good a voice is, in figures: `clone-pipeline evaluate`."""
