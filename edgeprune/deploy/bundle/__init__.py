"""Making a bundle of a run: graphs for the board, references, the agent."""
