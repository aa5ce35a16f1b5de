"""The one definition of every tool: what it is for and what it takes.

Validation and every schema come from here. The module and those it needs are the standard library
alone, so that the constructs can read them at synthesis.
"""

from __future__ import annotations

from typing import NamedTuple

from .arguments import Argument, string


class Tool(NamedTuple):
    """A tool.

    `needs_session` are those that would have nothing to work on in a fresh sandbox, `runs` those
    that may change something and can be given an idempotency key, `for_models` those whose use by
    a language model makes sense, and `direct_only` those that platforms do not get: they show
    other callers' sessions, or what platforms are told in another way.
    """

    name: str
    description: str
    arguments: tuple[Argument, ...]
    needs_session: bool = False
    runs: bool = False
    for_models: bool = False
    direct_only: bool = False


PATH = string("path", "A path relative to the working directory.")
LANGUAGES = ("python", "javascript", "typescript")
TIMEOUT = Argument(
    "timeout_seconds",
    "integer",
    "How long it may take, 1 to 900 seconds.",
    minimum=1,
    maximum=900,
)
FILE = Argument(
    "file",
    "object",
    "A file: its path, and text or blob.",
    members=(
        PATH._replace(required=True),
        string("text", "The file's text."),
        string("blob", "The file's bytes as base64."),
    ),
)

# The members of InvokeCodeInterpreter's `arguments` in the API model.
API_ARGUMENTS = (
    string("code", "The program, for executeCode."),
    string("language", "The program's language.", allowed=LANGUAGES),
    string("runtime", "What runs it.", allowed=("nodejs", "deno", "python")),
    Argument("clearContext", "boolean", "Whether to forget all variables first."),
    string("command", "The command line, for executeCommand and startCommandExecution."),
    string("path", "A path relative to the working directory."),
    Argument("paths", "array", "The files, for readFiles and removeFiles.", items=PATH),
    Argument("content", "array", "The files, for writeFiles.", items=FILE),
    string("directoryPath", "The folder, for listFiles."),
    string("taskId", "The task, for getTask and stopTask."),
)
OPERATIONS = (
    "executeCode",
    "executeCommand",
    "readFiles",
    "listFiles",
    "removeFiles",
    "writeFiles",
    "startCommandExecution",
    "getTask",
    "stopTask",
)
# In a sandbox of their own that is stopped afterwards, they would find nothing or leave nothing.
SESSION_OPERATIONS = tuple(
    operation for operation in OPERATIONS if operation not in ("executeCode", "executeCommand")
)

CERTIFICATE = Argument(
    "certificate",
    "object",
    "A root certificate in Secrets Manager.",
    members=(
        Argument(
            "location",
            "object",
            "Where it is.",
            required=True,
            members=(
                Argument(
                    "secretsManager",
                    "object",
                    "The secret that holds it.",
                    required=True,
                    members=(string("secretArn", "The secret's ARN.", required=True),),
                ),
            ),
        ),
    ),
)
MOUNT = (
    string("accessPointArn", "The access point's ARN.", required=True),
    string("fileSystemArn", "The file system's ARN.", required=True),
    string("mountPath", "Where it is mounted: /mnt/<name>.", required=True),
)
FILESYSTEM = Argument(
    "filesystem",
    "object",
    "A file system to mount.",
    members=(
        Argument("s3FilesConfiguration", "object", "An S3 Files file system.", members=MOUNT),
        Argument("efsConfiguration", "object", "An EFS file system.", members=MOUNT),
    ),
)

TOOLS = {
    tool.name: tool
    for tool in (
        Tool(
            "execute_code",
            "Run a program in the sandbox. Variables, imports and files last for the session.",
            (
                string("code", "The program.", required=True),
                string(
                    "language", "The program's language; python when left out.", allowed=LANGUAGES
                ),
                string(
                    "output_filename",
                    "A file the program writes, such as a plot, relative to the working directory; "
                    "it is saved to the workspace as code-interpreter/<output_filename>.",
                ),
                TIMEOUT,
            ),
            runs=True,
            for_models=True,
        ),
        Tool(
            "execute_command",
            "Run a shell command in the sandbox. Each command has a shell of its own; files last "
            "for the session.",
            (string("command", "The command line.", required=True), TIMEOUT),
            runs=True,
            for_models=True,
        ),
        Tool(
            "file_operations",
            "Read, write, list or remove files of the sandbox.",
            (
                string(
                    "operation",
                    "What to do.",
                    required=True,
                    allowed=("read", "write", "list", "remove"),
                ),
                Argument(
                    "paths",
                    "array",
                    "The files to read or remove, or the folders to list (the working directory "
                    "when left out).",
                    items=PATH,
                ),
                Argument("content", "array", "The files to write.", items=FILE),
            ),
            needs_session=True,
            runs=True,
            for_models=True,
        ),
        Tool(
            "ci_push_to_workspace",
            "Save files of the sandbox to the workspace, where they outlast the session.",
            (
                Argument(
                    "paths",
                    "array",
                    "The files or folders to save; when left out, every regular file directly in "
                    "the working directory.",
                    items=PATH,
                ),
            ),
            needs_session=True,
            runs=True,
            for_models=True,
        ),
        Tool(
            "workspace_list",
            "List the files of the session's workspace, a thousand at a time.",
            (
                string(
                    "path",
                    "A folder such as code-interpreter or uploads/data; everything when left out.",
                ),
                string("next_token", "The next_token of the answer before."),
            ),
            needs_session=True,
            for_models=True,
        ),
        Tool(
            "workspace_read",
            "Read a file of the session's workspace.",
            (
                string("path", "The file, for instance code-interpreter/chart.png.", required=True),
                Argument(
                    "offset",
                    "integer",
                    "The byte to begin at, for the rest of a file whose answer was truncated.",
                    minimum=0,
                ),
            ),
            needs_session=True,
            for_models=True,
        ),
        Tool(
            "workspace_write",
            "Write a file to the session's workspace. One under uploads/ is in the sandbox's "
            "working directory from the next call on.",
            (
                string(
                    "path", "The file: code-interpreter/<path> or uploads/<path>.", required=True
                ),
                string("content", "The file's content.", required=True),
                string(
                    "encoding",
                    "How content is to be read; text when left out.",
                    allowed=("text", "base64"),
                ),
            ),
            needs_session=True,
            runs=True,
            for_models=True,
        ),
        Tool(
            "invoke_code_interpreter",
            "Use an operation of the InvokeCodeInterpreter API as it is.",
            (
                string("name", "The operation.", required=True, allowed=OPERATIONS),
                Argument(
                    "arguments", "object", "The operation's arguments.", members=API_ARGUMENTS
                ),
                TIMEOUT,
            ),
            runs=True,
        ),
        Tool(
            "start_session",
            "Start the session's sandbox, for instance with settings of its own; sandboxes that "
            "replace it have them, too.",
            (
                Argument(
                    "session_timeout_seconds",
                    "integer",
                    "How long the sandbox lives from its start, 1 to 28800 seconds.",
                    minimum=1,
                    maximum=28800,
                ),
                Argument(
                    "certificates",
                    "array",
                    "Root certificates to trust: [{location: {secretsManager: {secretArn}}}].",
                    items=CERTIFICATE,
                ),
                Argument(
                    "filesystems",
                    "array",
                    "File systems to mount: [{s3FilesConfiguration or efsConfiguration: "
                    "{accessPointArn, fileSystemArn, mountPath}}].",
                    items=FILESYSTEM,
                ),
            ),
            needs_session=True,
        ),
        Tool(
            "get_session",
            "Describe the session's sandbox.",
            (),
            needs_session=True,
        ),
        Tool(
            "list_sessions",
            "List the code interpreter's sandboxes, a hundred at a time.",
            (
                string("status", "Only those.", allowed=("READY", "TERMINATED")),
                string("next_token", "The next_token of the answer before."),
            ),
            direct_only=True,
        ),
        Tool(
            "stop_session",
            "Stop the session's sandbox; its variables and files are gone, the workspace is kept.",
            (),
            needs_session=True,
        ),
        Tool(
            "describe_tools",
            "Describe the tools for a language model, as the toolConfig of Bedrock's Converse API "
            "has them.",
            (),
            direct_only=True,
        ),
    )
}

# What a direct event may say about the call itself.
SESSION = string(
    "session",
    "The caller's own name for the session, 1 to 64 of A-Z a-z 0-9 _ -. Same name, same sandbox; "
    "without one the call has a fresh sandbox that is stopped afterwards.",
)
IDEMPOTENCY_KEY = string(
    "idempotency_key",
    "1 to 256 characters. A repeated call with the same key gets the recorded answer and runs "
    "nothing.",
)
TRACE_ID = string("trace_id", "An X-Ray trace header to pass on.")
TRACE_PARENT = string("trace_parent", "A W3C traceparent header to pass on.")
CALL_ARGUMENTS = (SESSION, TRACE_ID, TRACE_PARENT)
