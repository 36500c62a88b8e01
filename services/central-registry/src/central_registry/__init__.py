"""Who runs where: registration, leases, discovery."""
