"""Who works here: accounts, roles, signing in and who may see pages."""
