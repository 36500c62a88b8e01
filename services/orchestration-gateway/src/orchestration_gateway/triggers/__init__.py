"""What starts runs: webhooks, events and schedules."""
