"""The systems that are measured side by side: each module has `opened(folder)`, which yields a `Subject`."""
