"""``but-gateway demo``: a made-up town and its October, played over HTTP against the service as it is served."""
