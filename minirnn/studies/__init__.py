"""Everything that measures the package, or makes what ships with it; nothing here is needed to use it."""
