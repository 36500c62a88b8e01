"""What each service is: owner, documents, dependencies, declared and observed."""
