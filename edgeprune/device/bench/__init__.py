"""The benchmark protocol: models timed side by side, under conditions that are written down."""
