#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A server with OpenAI's chat completions, good or hostile, for tests. Standard library only.

usage: fake_server.py [--log FILE] [--key KEY] [--die-after N]

Prints its port on the first line, then serves until standard input ends. What it does is named by the model that is asked
for, such as `good` or `always-500`, so that one server shows every behaviour. Its answers depend on nothing but the request:
the same request is answered alike. --log writes a line of JSON for each request, in which keys are not.
"""

import argparse
import base64
import hashlib
import json
import os
import socket
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

parser = argparse.ArgumentParser()
parser.add_argument("--log")
parser.add_argument("--key")
parser.add_argument("--die-after", type=int, default=0)
arguments = parser.parse_args()

lock = threading.Lock()
seen: dict[str, int] = {}  # how often each body came
judge_asked = threading.Event()
served = 0
busy = 0
most_busy = 0


def digest(*parts) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:6], "big")


def texts(messages) -> str:
    found = []
    for message in messages:
        content = message["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for part in parts:
            if part["type"] == "text":
                found.append(part["text"])
            else:
                url = part["image_url"]["url"]
                if not url.startswith("data:"):
                    found.append(f"<at {url}>")
                    continue
                kind, data = url.split(";base64,", 1)
                found.append(f"<{kind.removeprefix('data:')} {len(base64.b64decode(data, validate=True))}>")
    return " ".join(found)


def response(body, index: int) -> str:
    """A response as a model could give it: an answer that is right or wrong by the seed, and what it was asked."""
    text = texts(body["messages"])
    number = digest(text, body.get("seed"), index) % 4 if body["temperature"] else 3
    return f"<think>asked: {text[:60]}</think> \\boxed{{{number}}}"


def choice(body, index: int) -> dict:
    text = response(body, index)
    tokens = [1000 + byte for byte in text.encode()] + [7]
    if len(tokens) > body.get("max_tokens", 1 << 30):
        tokens = tokens[: body["max_tokens"]]
        text = bytes(token - 1000 for token in tokens).decode(errors="ignore")
    finish = "stop" if tokens[-1] == 7 else "length"
    made = {"index": index, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    if body.get("return_token_ids"):
        made["token_ids"] = tokens
    if body.get("logprobs"):
        made["logprobs"] = {
            "content": [{"token": str(t), "logprob": -(digest(t, i) % 1000) / 250} for i, t in enumerate(tokens)]
        }
    return made


def completion(body, count: int) -> dict:
    choices = [choice(body, index) for index in range(count)]
    made = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": body["model"],
        "choices": choices,
        "usage": {"completion_tokens": sum(len(c["message"]["content"]) for c in choices)},
    }
    if body.get("return_token_ids"):
        made["prompt_token_ids"] = [1000 + byte for byte in texts(body["messages"]).encode()]
    return made


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def reply(self, status: int, value, headers=(), raw: bytes | None = None):
        data = raw if raw is not None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, text in headers:
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)

    def fail(self, status: int, message: str, headers=(), code=None):
        self.reply(status, {"error": {"message": message, "type": "test", "code": code}}, headers)

    def drop(self):
        """Ends the connection without a word."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def do_GET(self):
        if self.path == "/figures":
            return self.reply(200, {"served": served, "most_busy": most_busy})
        self.reply(200, {"data": [{"id": "good"}]})

    def do_POST(self):
        global busy, most_busy
        with lock:
            busy += 1
            most_busy = max(most_busy, busy)
        try:
            self.post()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            with lock:
                busy -= 1

    def post(self):
        global served
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path != "/v1/chat/completions":
            return self.fail(404, "Not Found")
        body = json.loads(data)
        key = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        with lock:
            served += 1
            number = served
            attempt = seen[data] = seen.get(data, 0) + 1
            if arguments.log:
                with open(arguments.log, "a") as log:
                    entry = {"attempt": attempt, "bytes": len(data), "has_key": bool(key)}
                    log.write(json.dumps(entry | {k: body.get(k) for k in body if k != "messages"}) + "\n")
        if arguments.die_after and number > arguments.die_after:
            os._exit(3)
        if arguments.key is not None and key != arguments.key:
            return self.fail(401, f"Incorrect API key provided: {key}")
        asked = body.get("n", 1)
        # Prompts that hold such a word meet their fate whatever the model.
        text = texts(body["messages"])
        model = body["model"]
        if "[refuse]" in text:
            return self.fail(400, "this prompt is not taken")
        if "[long]" in text:
            return self.fail(400, "This model's maximum context length is 64 tokens.", code="context_length_exceeded")
        if "[fail]" in text:
            return self.fail(500, "internal error")
        first = attempt == 1
        match model:
            case "good":
                return self.reply(200, completion(body, asked))
            case "slow":
                time.sleep(0.02)
                return self.reply(200, completion(body, asked))
            case "until-judged":  # a prompt that says so is answered once the judge was asked about another
                if "[later]" in text and not judge_asked.wait(60):
                    return self.fail(400, "the judge was never asked")
                return self.reply(200, completion(body, asked))
            case "one":  # ignores n
                return self.reply(200, completion(body, 1))
            case "half":
                return self.reply(200, completion(body, max(1, asked // 2)))
            case "more":
                return self.reply(200, completion(body, asked + 3))
            case "echo":  # repeats the key wherever it can
                made = completion(body, asked)
                made["choices"][0]["message"]["content"] = f"your key is {key} \\boxed{{1}}"
                made["choices"][0]["message"]["reasoning_content"] = f"hm, {key}"
                return self.reply(200, made)
            case "echo-error":
                return self.fail(400, f"key {key} may not ask for that")
            case "echo-plain":
                return self.reply(503, None, raw=f"<h1>{key} {key}</h1>".encode())
            case "limited" if first:
                return self.fail(429, "slow down", [("Retry-After", "0.01")])
            case "dated" if first:
                return self.fail(429, "slow down", [("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT")])
            case "closed-today":
                return self.fail(429, "come back tomorrow", [("Retry-After", "86400")])
            case "quota":
                return self.fail(429, "You exceeded your current quota", code="insufficient_quota")
            case "broken-500" if first:
                return self.fail(500, "internal error")
            case "dropping" if first:
                return self.drop()
            case "garbage" if first:
                return self.reply(200, None, raw=b'{"choices": [{"message"')
            case "empty" if first:
                return self.reply(200, {"choices": []})
            case "aborting" if first:
                made = completion(body, asked)
                made["choices"][0]["finish_reason"] = "abort"
                return self.reply(200, made)
            case "truncated" if first:
                data = json.dumps(completion(body, asked)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data[: len(data) // 2])
                self.wfile.flush()
                return self.drop()
            case "half-a-header" if first:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Le")
                self.close_connection = True
                return None
            case "limited" | "dated" | "broken-500" | "dropping" | "garbage" | "empty" | "aborting" | "truncated" | "half-a-header":
                return self.reply(200, completion(body, asked))
            case "always-500":
                return self.fail(500, "internal error")
            case "always-garbage":
                return self.reply(200, None, raw=b"<html>Welcome to nginx!</html>")
            case "always-dropping":
                return self.drop()
            case "hanging":
                time.sleep(3600)
            case "dripping":  # never ends, though something comes all the time
                self.send_response(200)
                self.send_header("Content-Length", "1000000")
                self.end_headers()
                while True:
                    self.wfile.write(b" ")
                    self.wfile.flush()
                    time.sleep(0.01)
            case "huge":
                self.send_response(200)
                self.send_header("Content-Length", str(1 << 34))
                self.end_headers()
                self.rfile.read(1)  # until the client has had enough
                self.close_connection = True
                return None
            case "huge-chunked":
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                block = b"%x\r\n" % (1 << 20) + b" " * (1 << 20) + b"\r\n"
                for _ in range(512):
                    self.wfile.write(block)
                return None
            case "endless" | "endless-error" | "endless-redirect":  # as much as the connection takes
                status = {"endless": 200, "endless-error": 500, "endless-redirect": 307}[model]
                self.send_response(status)
                if status == 307:
                    self.send_header("Location", "/v1/models")
                self.send_header("Connection", "close")
                self.end_headers()
                while True:
                    self.wfile.write(b" " * (1 << 20))
            case "endless-header" | "endless-early-hints":
                line = b"HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n" if "early" in model else b"X-More: of it\r\n"
                self.wfile.write(b"" if "early" in model else b"HTTP/1.1 200 OK\r\n")
                while True:
                    self.wfile.write(line * 10000)
            case "not-http":
                self.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")
                self.close_connection = True
                return None
            case "challenge":  # as web servers ask for a password, and API servers for a token
                scheme = "Bearer" if "[bearer]" in text else 'Basic realm="here"'
                return self.reply(401, {"detail": "Not authenticated"}, [("WWW-Authenticate", scheme)])
            case "positive":
                made = completion(body, asked)
                made["choices"][0]["logprobs"]["content"][0]["logprob"] = 3.5
                return self.reply(200, made)
            case "error-inside":
                return self.reply(200, {"error": {"message": "upstream failed", "code": 502}})
            case "shuffled":
                made = completion(body, asked)
                made["choices"].reverse()
                return self.reply(200, made)
            case "closed-for-ever":
                return self.fail(429, "never again", [("Retry-After", "1e300")])
            case "redirect":
                return self.reply(307, None, [("Location", "http://127.0.0.1:9/v1/chat/completions")], raw=b"")
            case "redirect-home":
                return self.reply(302, None, [("Location", "/v1/models")], raw=b"")
            case "forbidden":
                return self.fail(403, f"project of {key} has no access")
            case "filtered":
                made = completion(body, asked)
                made["choices"][0]["finish_reason"] = "content_filter"
                return self.reply(200, made)
            case "no-logprobs":
                made = completion({k: v for k, v in body.items() if k not in ("logprobs", "return_token_ids")}, asked)
                return self.reply(200, made)
            case "escape":
                made = completion(body, asked)
                made["choices"][0]["message"]["content"] = "\x1b[31mred \ud83d\ude42 \u0000 end"
                return self.reply(200, made)
            case "judge":
                judge_asked.set()
                return self.reply(200, judged(body))
        self.fail(404, f"The model `{model}` does not exist.")


def judged(body) -> dict:
    """A verdict: high where the response holds what the prompt names as right; no number for what is [unclear]."""
    text = texts(body["messages"])
    verdict = "I cannot tell." if "[unclear]" in text else f"Hm. Score: {10 if 'boxed{3}' in text else 2}"
    if "as JSON" in text and "[unclear]" not in text:
        verdict = 'Here it is: {"reason": "a {brace}", "score": 0.75} and no more'
    if "[beyond]" in text:
        verdict = "Score: 11"
    return {"choices": [{"message": {"content": verdict}, "finish_reason": "stop"}]}


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        pass


server = Server(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
