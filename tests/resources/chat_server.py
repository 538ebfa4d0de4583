"""A small OpenAI-compatible server on loopback that misbehaves as a test wants."""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODEL = "a-model"


class ChatServer(ThreadingHTTPServer):
    """Answers each question with its text; counts what it sees."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.served = [MODEL]  # None: it is some other page
        self.token = None
        self.seconds = 0.0
        self.dripping = 0.0  # seconds between two bytes of an answer
        # What becomes of the next requests: a status, or with text and headers, or "cut"; None is no fault.
        self.faults = []
        self.requests = []
        self.times = []
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()

    def handle_error(self, request, client_address):
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self._allowed():
            served = self.server.served
            self._send(200, "hello" if served is None else {"data": [{"id": model} for model in served]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._allowed():
            return
        server = self.server
        with server.lock:
            server.requests.append(body)
            server.times.append(time.monotonic())
            fault = server.faults.pop(0) if server.faults else None
            server.at_once += 1
            server.most_at_once = max(server.most_at_once, server.at_once)
        try:
            time.sleep(server.seconds)
            self._answer(body, fault)
        finally:
            with server.lock:
                server.at_once -= 1

    def _answer(self, body, fault):
        if fault == "cut":
            self.close_connection = True
            self.connection.close()
        elif fault is not None:
            status, says, headers = fault if isinstance(fault, tuple) else (fault, "no", {})
            self._send(status, {"error": {"message": says}}, headers)
        else:
            self._send(200, _completion(body))

    def _allowed(self):
        if self.server.token in {None, self.headers.get("Authorization", "").removeprefix("Bearer ")}:
            return True
        self._send(401, {"error": {"message": f"not a token: {self.headers.get('Authorization')}"}})
        return False

    def _send(self, status, content, headers=None):
        data = json.dumps(content).encode()
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        for part in (data,) if not self.server.dripping else (data[n : n + 1] for n in range(len(data))):
            time.sleep(self.server.dripping)
            self.wfile.write(part)
            self.wfile.flush()


def _completion(body):
    text = json.dumps({"rationale": body["messages"][1]["content"]})
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 5}}
    reason = "length" if body["max_tokens"] < 16 else "stop"
    return {"choices": [{"message": {"content": text}, "finish_reason": reason}], "usage": usage}


@contextmanager
def chat_server():
    """A running one."""
    with ChatServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
