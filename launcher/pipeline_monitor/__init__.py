"""The Data Pipeline Monitor, installed: its folders live in here, and its command is in ``__main__``."""
