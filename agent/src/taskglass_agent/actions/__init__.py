"""What a scheduler is asked to run by itself, once. No part of the agent."""
