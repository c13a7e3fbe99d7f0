"""The host's side of measuring and deploying."""
