"""The Temporal runner: the same workflows, hosted by a Temporal cluster. Users name it by URL and never import it."""
