"""The same work by what a user would pick instead, each written as its own documentation recommends."""
