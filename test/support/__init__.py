"""What the integration tests, the demo and the benchmark stand on: real servers, scripted ones, sandboxes, witnesses."""
