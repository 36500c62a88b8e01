"""Durable workflows in plain asyncio, and the Open Workflow DSL."""
