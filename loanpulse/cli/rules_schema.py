"""`loanpulse rules schema`: the rule file's form, for editors that complete and check while one writes."""


def schema() -> None:
    """Print the JSON Schema (draft 2020-12) of a rule file, for editors.

    With the line `# yaml-language-server: $schema=FILE` at its head an editor completes a rule file, explains each
    member and marks what is wrong.
    """
    from kpi_rules.rule_schema import schema_text

    print(schema_text(), end="")
