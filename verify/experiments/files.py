"""The file operations of a sandbox, and the folder that it starts with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verify.experiment import Reading, default_of

if TYPE_CHECKING:
    from verify.context import Context


def initial_entries(context: Context) -> Reading:
    """Compare names alone: a listing says of its entries whether they are folders, or not."""
    with context.new_sandbox() as sandbox:
        listed = sandbox.invoke("listFiles", directoryPath="")["content"]
    names = {block["name"].rstrip("/") for block in listed}
    default = default_of("initial_entries")
    assumed = {entry.rstrip("/") for entry in default}
    more, fewer = sorted(names - assumed), sorted(assumed - names)
    is_default = names == assumed
    return Reading(
        default if is_default else sorted(names),
        f"{len(names)} entries; not assumed: {more or 'none'}; missing: {fewer or 'none'}",
    )


def missing_file(context: Context) -> Reading:
    context.sandbox.write("present.txt", "here")
    result = context.sandbox.invoke("readFiles", paths=["present.txt", "absent.txt"])
    value = "error" if result["isError"] else "omit"
    return Reading(value, f"isError is {result['isError']}, {len(result['content'])} blocks")


def absolute_paths(context: Context) -> Reading:
    result = context.sandbox.write("/verify-absolute.txt", "x")
    place = "working directory" if context.sandbox.exists("verify-absolute.txt") else "elsewhere"
    value = "refuse" if result["isError"] else "strip" if place != "elsewhere" else "root"
    return Reading(value, f"isError is {result['isError']}; the file is in: {place}")


def remove_folders(context: Context) -> Reading:
    context.sandbox.write("verify-folder/file.txt", "x")
    result = context.sandbox.invoke("removeFiles", paths=["verify-folder"])
    is_gone = not context.sandbox.exists("verify-folder")
    return Reading(is_gone, f"isError is {result['isError']}; the folder is gone: {is_gone}")


def resource_type(context: Context) -> Reading:
    context.sandbox.write("typed.txt", "x")
    [block] = context.sandbox.invoke("readFiles", paths=["typed.txt"])["content"]
    members = sorted(block["resource"])
    return Reading("type" in members, f"a resource has {members}")
