"""The side of the API gateway; `maestro_core_api.gateway` has the public names."""
