"""Reviews the licences of every distribution installed in an environment."""
