"""The record of a run: its schema, and how it is stored."""
