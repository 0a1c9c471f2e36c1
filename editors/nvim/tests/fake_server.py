#!/usr/bin/env python3
"""A server for the plugin's tests: speaks the framing and the handshake, and does what the test tells it.

Besides the contract's methods it knows three of its own:
  fake/emit  (notification) {messages}: sends these messages to the client as they are
  fake/reply (notification) {method, result?, error?}: answers that method so from now on
  fake/log   (request) -> every message that came, in order
"""

import json
import os
import sys

IN, OUT = sys.stdin.buffer, sys.stdout.buffer
log = []
replies = {}
counter = {"session": 0, "turn": 0}


def send(message):
    body = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False).encode()
    OUT.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    OUT.flush()


def read():
    length = None
    while True:
        line = IN.readline()
        if not line:
            return None
        line = line.strip()
        if not line:
            break
        name, value = line.split(b":", 1)
        if name.lower() == b"content-length":
            length = int(value)
    return json.loads(IN.read(length))


def answer(method, params):
    """The result of a request, or None when the method is not known."""
    if method in replies:
        return replies[method]
    if method == "initialize":
        return {"result": {
            "serverInfo": {"name": "pillion", "version": "0.0-fake"},
            "capabilities": {
                "positionEncoding": "utf-16",
                "textDocumentSync": {"openClose": True, "change": 2, "save": {"includeText": False}},
                "experimental": {"pillion": {"version": 1, "instanceId": "fake-%d" % os.getpid()}},
            },
        }}
    if method == "shutdown":
        return {"result": None}
    if method == "fake/log":
        return {"result": log}
    if method in ("pillion/session/new", "pillion/session/load"):
        if method.endswith("new"):
            counter["session"] += 1
        session = (params or {}).get("sessionId") or "s%d" % counter["session"]
        modes = [{"id": "ask", "name": "Ask", "description": "asks first"},
                 {"id": "auto", "name": "Auto", "description": "asks nothing"}]
        return {"result": {"sessionId": session, "mode": "ask", "modes": modes, "model": "fake-1"}}
    if method == "pillion/session/prompt":
        counter["turn"] += 1
        return {"result": {"turnId": "t%d" % counter["turn"], "promptId": "p%d" % counter["turn"], "queued": False}}
    return None


def main():
    while True:
        message = read()
        if message is None:
            return
        method, params = message.get("method"), message.get("params")
        if method == "fake/emit":
            for one in params["messages"]:
                send(one)
        elif method == "fake/reply":
            replies[params["method"]] = {k: params[k] for k in ("result", "error") if k in params}
        elif method == "fake/die":
            print("the fake server was told to die", file=sys.stderr, flush=True)
            os._exit(7)
        elif method == "exit":
            return
        else:
            if method != "fake/log":
                log.append(message)
            if method and "id" in message:
                reply = answer(method, params)
                if reply is None:
                    reply = {"error": {"code": -32601, "message": "unknown method " + method}}
                send({"id": message["id"], **reply})


main()
