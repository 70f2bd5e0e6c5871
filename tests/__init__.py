"""Unit tests cost nothing, integration tests a server, acceptance tests the whole command."""
