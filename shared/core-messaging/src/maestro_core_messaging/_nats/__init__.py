"""Events over NATS JetStream, through FastStream."""
