"""The conformance checks: plain functions of a `Subject` that return if it conforms."""
