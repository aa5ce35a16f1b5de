"""Creates, updates and deletes code interpreters for CloudFormation."""
