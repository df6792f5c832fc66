"""The one kind of error that a person can put right: shown as a single line, without a stack."""


class UserError(Exception):
    """What is wrong and what to do about it."""
