"""A durable inbox of human tasks, used by workflows through signals."""
