"""Full-size operations and token steps: predicted by the timing model, and measured in RTL beside it."""
