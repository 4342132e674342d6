"""`python -m loanpulse` is the command `loanpulse`."""

from loanpulse.cli.main import main

if __name__ == "__main__":
    main()
