"""What is handed to other programs to watch LoanPulse: Prometheus' rules with their tests, Alertmanager's configuration."""
