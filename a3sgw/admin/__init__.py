"""The management API: what the gateway says about itself over HTTP."""
