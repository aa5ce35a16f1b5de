"""Synthesise an interpreter, its workspace and its function with the library's constructs."""

from __future__ import annotations

from aws_cdk import App, Stack

from cdk_code_interpreter import CodeInterpreter, InvokeFunction, Workspace

app = App()
stack = Stack(app, "Stack")
code_interpreter = CodeInterpreter(stack, "CodeInterpreter")
workspace = Workspace(stack, "Workspace")
InvokeFunction(stack, "InvokeFunction", code_interpreter=code_interpreter, workspace=workspace)
app.synth()
