"""The commands, one module each: parse, call one function, show what came of it."""
