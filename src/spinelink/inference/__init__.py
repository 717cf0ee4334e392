"""Numbers: compile a network once, plan once per evidence pattern, run many times."""
