"""The finished pieces of the course, one idea a module. Import paths say where things live: `lib.attention`."""
