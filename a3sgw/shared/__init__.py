"""What all processes of one gateway count together: a table in shared memory, exact across them."""
