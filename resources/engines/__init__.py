"""What answers prompts: vLLM in this process, a server, or workers of a cluster."""
