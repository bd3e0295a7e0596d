"""The engine's parts: tasks that are moved one step at a time, by threads or by hand."""
