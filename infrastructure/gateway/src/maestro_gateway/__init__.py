"""One set of route declarations, rendered for Envoy and for Kong."""
