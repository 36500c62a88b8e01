"""Events between services: CloudEvents over NATS JetStream."""
