"""The error of a local AWS that does not start."""


class LocalAwsError(Exception):
    """The local AWS could not be started; the message has the cause and the remedy."""
