"""One reader a file for each upstream format. Nothing here cleans or splits."""
