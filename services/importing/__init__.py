"""Orders from files: other systems' exports, by mappings that are data. `aftersale import orders FILE` uses it."""
