"""Everything that touches the outside world on the way to a module: ports, runner, trace."""
