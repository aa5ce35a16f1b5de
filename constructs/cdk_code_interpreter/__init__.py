"""AWS CDK constructs around Amazon Bedrock AgentCore Code Interpreter."""
