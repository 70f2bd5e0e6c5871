"""`ringostat-sync up`: everything in one process tree."""
