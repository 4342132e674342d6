"""What people do with rules while they are in force: change them, try them, ask why."""
