"""Start the kernel, as Jupyter does: `python -m code_interpreter_client.kernel -f FILE`."""

from __future__ import annotations

from ipykernel.kernelapp import IPKernelApp

from .kernel import CodeInterpreterKernel

if __name__ == "__main__":
    IPKernelApp.launch_instance(kernel_class=CodeInterpreterKernel)
