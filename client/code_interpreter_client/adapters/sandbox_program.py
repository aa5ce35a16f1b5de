"""Run one operation of an adapter in the sandbox, and print its response as one line of JSON.

The client sends the source of this module. It has the standard library alone.
"""

import base64
import errno
import json
import os
import shutil
import signal
import stat
import subprocess
import sys

FOLDER = "/tmp/code-interpreter-"  # of a command, by its token
# Bytes of each stream that come with the response. The rest is read in parts.
MAX_INLINE = 1_000_000
GRACE_SECONDS = 1.0


def run(token, argv, cwd, env, timeout, merge):
    """Run a command to the end of its own process, whoever still holds its output."""
    folder = FOLDER + token
    os.makedirs(folder, exist_ok=True)
    names = ["stdout"] if merge else ["stdout", "stderr"]
    paths = {name: os.path.join(folder, name) for name in names}
    files = {name: open(path, "wb") for name, path in paths.items()}
    response = {"timed_out": False}
    if os.path.exists(os.path.join(folder, "stop")):
        response["exit_code"] = 128 + signal.SIGKILL
    else:
        response["exit_code"] = exit_code(folder, argv, cwd, env, timeout, files, response)
    for file in files.values():
        file.close()
    sizes = {name: os.path.getsize(path) for name, path in paths.items()}
    for name, path in paths.items():
        with open(path, "rb") as file:
            response[name] = base64.b64encode(file.read(MAX_INLINE)).decode()
    if max(sizes.values()) > MAX_INLINE:
        response["sizes"] = sizes
        response["folder"] = folder
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return response


def exit_code(folder, argv, cwd, env, timeout, files, response):
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=files["stdout"],
            stderr=files.get("stderr", subprocess.STDOUT),
            cwd=cwd,
            env={**os.environ, **env},
            start_new_session=True,
        )
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        if error.filename != argv[0]:
            raise  # the folder to run it in
        files.get("stderr", files["stdout"]).write(f"{argv[0]}: {error.strerror}\n".encode())
        return 126 if isinstance(error, PermissionError) else 127
    with open(os.path.join(folder, "pid"), "w") as file:
        file.write(str(process.pid))
    # A request to stop came before the process id was there to be read.
    if os.path.exists(os.path.join(folder, "stop")):
        end(process)
    try:
        code = process.wait(timeout)
    except subprocess.TimeoutExpired:
        response["timed_out"] = True
        code = end(process)
    return code if code >= 0 else 128 - code


def end(process):
    """End a process and its group. Whatever has a session of its own goes on."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        code = process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        code = None
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    return process.wait() if code is None else code


def stop(token):
    """End a command, or keep it from beginning."""
    folder = FOLDER + token
    os.makedirs(folder, exist_ok=True)
    open(os.path.join(folder, "stop"), "w").close()
    try:
        with open(os.path.join(folder, "pid")) as file:
            os.killpg(int(file.read()), signal.SIGKILL)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        pass
    return {}


def remove_output(folder):
    shutil.rmtree(folder, ignore_errors=True)
    return {}


def read(path, offset, size):
    # A pipe would wait for somebody who writes.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", path)
        file.seek(offset)
        data = file.read(size)
    return {"data": base64.b64encode(data).decode(), "size": status.st_size}


def write(path, data, parts):
    """Write a file from bytes, or from files that have its parts and are removed."""
    folder = os.path.dirname(path)
    try:
        os.makedirs(folder, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), folder) from None
    try:
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
            for part in parts:
                with open(part, "rb") as source:
                    shutil.copyfileobj(source, file)
    finally:
        for part in parts:
            os.remove(part)
    return {}


def describe(path):
    status = os.stat(path)
    return {"entry": entry(path, status)}


def entry(path, status):
    is_folder = status is not None and stat.S_ISDIR(status.st_mode)
    is_file = status is not None and stat.S_ISREG(status.st_mode)
    size = status.st_size if is_file else None
    return {"name": os.path.basename(path), "is_folder": is_folder, "size": size}


def entries(path):
    found = []
    for name in sorted(os.listdir(path)):
        inside = os.path.join(path, name)
        try:
            status = os.stat(inside)
        except OSError:  # a link that leads nowhere
            status = None
        found.append(entry(inside, status))
    return {"entries": found}


def make_folder(path):
    os.makedirs(path, exist_ok=True)
    return {}


def remove(path):
    working_folder = os.path.realpath(os.getcwd())
    if os.path.islink(path):
        os.remove(path)
        return {}
    if os.path.commonpath([os.path.realpath(path), working_folder]) == os.path.realpath(path):
        return {"refused": f"{path} has the working directory {working_folder}, which must stay"}
    if os.path.isdir(path):
        shutil.rmtree(path)
    else:
        os.remove(path)
    return {}


def resolve(path):
    return {"path": os.path.realpath(path)}


def main():
    source = sys.argv[1]
    if source == "file":
        with open(sys.argv[2]) as file:
            text = file.read()
        os.remove(sys.argv[2])
    else:
        text = base64.b64decode(sys.argv[2])
    request = json.loads(text)
    operation = globals()[request.pop("operation")]
    try:
        response = operation(**request)
    except OSError as error:
        response = {"errno": error.errno, "reason": error.strerror, "path": error.filename}
    print(json.dumps(response))


main()
