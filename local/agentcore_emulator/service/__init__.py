"""The rules of the service: control plane and data plane, and the state that they share."""
