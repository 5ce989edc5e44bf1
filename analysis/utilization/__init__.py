"""The utilization study: cycles measured in RTL at full size over the roofline, and what they buy."""
