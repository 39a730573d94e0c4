"""The figures the documents name, measured on this machine and now: a module a subject, found by itself."""
