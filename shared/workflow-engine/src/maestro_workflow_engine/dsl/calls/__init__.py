"""What happens inside the steps behind `call`, one module for each kind."""
