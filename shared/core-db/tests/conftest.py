pytest_plugins = ["maestro_core_db.testing.fixtures"]
