"""The edge for workflow traffic: triggers, webhooks, live streams, tools."""
