"""Make MiniStack refuse the operations on stacks that CloudFormation refuses.

The gaps:

- CloudFormation rolls an update back that changes or removes an export which another stack imports.
  MiniStack lets it pass, and keeps the exports that an update removed;
- a stack that cannot be updated, such as one in DELETE_FAILED, takes no change set;
- after an update, CloudFormation drops a removed resource from its stack, even if the resource
  could not be deleted. MiniStack keeps it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services.cloudformation import _exports, _stacks, changesets, handlers, stacks

from local_aws.ministack_patches.requirements import require

Stack = dict[str, Any]
Parameters = dict[str, Any]
Action = Callable[[Parameters], tuple[int, dict[str, str], bytes]]

UPDATABLE = frozenset(
    {
        "CREATE_COMPLETE",
        "CREATE_FAILED",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_FAILED",
        "UPDATE_ROLLBACK_COMPLETE",
    }
)
# Stacks without resources, of which the actions report other errors.
EMPTY = frozenset({"DELETE_COMPLETE", "REVIEW_IN_PROGRESS"})


def install() -> None:
    """Check exports and states, and drop resources whose clean-up failed."""
    require(
        handlers,
        ["_ACTION_HANDLERS", "_error", "_imported_export_names", "_p", "_resolve_stack"],
    )
    require(stacks, ["_deploy_stack_async", "_resolve_stack_outputs", "_roll_back_operation"])
    stock_deploy = stacks._deploy_stack_async
    stock_resolve = stacks._resolve_stack_outputs
    stock_roll_back = stacks._roll_back_operation
    refusals: dict[str, str] = {}

    def resolve_stack_outputs(*arguments: Any) -> tuple[list[Any], dict[str, Any]]:
        outputs, exports = stock_resolve(*arguments)
        stack_id = arguments[-1]
        refusal = export_refusal(stack_id, exports)
        if refusal:
            refusals[stack_id] = refusal
            raise ValueError(refusal)
        return outputs, exports

    async def roll_back_operation(
        stack_name: str, stack_id: str, stack: Stack, operation: Any, reason_override: str = ""
    ) -> None:
        reason = refusals.pop(stack_id, reason_override)
        await stock_roll_back(stack_name, stack_id, stack, operation, reason)

    async def deploy(stack_name: str, stack_id: str, *arguments: Any, **options: Any) -> None:
        await stock_deploy(stack_name, stack_id, *arguments, **options)
        for stack in _stacks.values():
            if stack["StackStatus"] == "UPDATE_COMPLETE":
                drop_removed(stack)

    stacks._resolve_stack_outputs = resolve_stack_outputs
    for module in (handlers, stacks):
        module._roll_back_operation = roll_back_operation
    for module in (changesets, handlers, stacks):
        require(module, ["_deploy_stack_async"])
        module._deploy_stack_async = deploy
    for name in ("CreateChangeSet", "UpdateStack"):
        handlers._ACTION_HANDLERS[name] = refusing_states(handlers._ACTION_HANDLERS[name])


def export_refusal(stack_id: str, exports: dict[str, Any]) -> str:
    """Return the reason why a stack's exports cannot become `exports`, or an empty string."""
    for name, export in _exports.items():
        if export["StackId"] != stack_id or exports.get(name) == export:
            continue
        users = [other for other, stack in _stacks.items() if imports(stack, other, name)]
        if users:
            change = "updated" if name in exports else "deleted"
            return f"Export {name} cannot be {change} as it is in use by {', '.join(users)}"
    return ""


def imports(stack: Stack, stack_name: str, export: str) -> bool:
    has_resources = bool(stack.get("_resources")) and stack["StackStatus"] not in EMPTY
    return has_resources and export in handlers._imported_export_names(stack, stack_name)


def drop_removed(stack: Stack) -> None:
    """Drop the resources and exports that the stack's last update removed."""
    stack["_resources"] = {
        name: resource
        for name, resource in stack["_resources"].items()
        if resource["ResourceStatus"] != "DELETE_FAILED"
    }
    exported = {output.get("ExportName") for output in stack["Outputs"]}
    for name, export in list(_exports.items()):
        if export["StackId"] == stack["StackId"] and name not in exported:
            del _exports[name]


def refusing_states(stock: Action) -> Action:
    def act(parameters: Parameters) -> tuple[int, dict[str, str], bytes]:
        stack = handlers._resolve_stack(handlers._p(parameters, "StackName"))
        creates = handlers._p(parameters, "ChangeSetType") in ("CREATE", "IMPORT")
        if stack and not creates and stack["StackStatus"] not in UPDATABLE | EMPTY:
            refused: tuple[int, dict[str, str], bytes] = handlers._error(
                "ValidationError",
                f"Stack:{stack['StackId']} is in {stack['StackStatus']} state and can not be "
                "updated.",
            )
            return refused
        return stock(parameters)

    return act
