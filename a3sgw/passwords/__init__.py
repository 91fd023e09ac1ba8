"""Passwords: hashes as htpasswd writes them, lists of users, and checking without holding anybody up."""
