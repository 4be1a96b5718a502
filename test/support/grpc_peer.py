"""The gRPC echo server and client of grpc-echo-server.ts and grpc-echo-client.ts, in Python.

grpc_peer.py serve          prints its port, serves until its input ends
grpc_peer.py call ADDRESS   calls everything, prints what it found as JSON
"""

import base64
import hashlib
import json
import sys
import threading
import time
from concurrent import futures

import grpc

SERVICE = 'outrigger.test.Echo'
UNLIMITED = [('grpc.max_receive_message_length', -1), ('grpc.max_send_message_length', -1)]
LONG = 30
SOON = 5


class Echo:
    """Calls do what their metadata says."""

    def __init__(self):
        self.cancelled = 0
        self.answered = set()
        self.lock = threading.Lock()

    def begin(self, context):
        """Greets the client. False: the call hangs until it is cancelled."""
        said = context.invocation_metadata()
        greeting = [('x-greeting', 'hello')]
        for key, value in said:
            if key in ('x-say', 'x-say-bin'):
                greeting.append((key.replace('say', 'echo'), value))
        over = threading.Event()
        if not context.add_callback(lambda: self.note_end(context, over)):
            self.note_end(context, over)
            return False
        if any(key == 'x-hang' for key, _ in said):
            over.wait()
            return False
        context.send_initial_metadata(greeting)
        return True

    def end(self, context):
        said = dict(context.invocation_metadata())
        with self.lock:
            self.answered.add(context)
        context.set_trailing_metadata([('x-end', 'bye'), ('x-end-bin', bytes([0, 1, 254, 255]))])
        code = int(said.get('x-status', '0'))
        if code != 0:
            codes = {status.value[0]: status for status in grpc.StatusCode}
            message = said.get('x-message', '')
            context.abort(codes[code], message)

    def note_end(self, context, over):
        with self.lock:
            if context not in self.answered:
                self.cancelled += 1
            self.answered.discard(context)
        over.set()

    def once(self, request, context):
        if self.begin(context):
            self.end(context)
        return request

    def collect(self, requests, context):
        messages = octets = 0
        for request in requests:
            messages += 1
            octets += len(request)
        if self.begin(context):
            self.end(context)
        return f'{messages}:{octets}'.encode()

    def expand(self, request, context):
        if not self.begin(context):
            return
        count, size = map(int, request.decode().split(':'))
        for index in range(count):
            yield bytes([index & 255]) * size
        self.end(context)

    def chat(self, requests, context):
        if not self.begin(context):
            return
        for request in requests:
            yield request
        # A client that cancels may look like one that has sent everything.
        if not any(key == 'x-endless' for key, _ in context.invocation_metadata()):
            self.end(context)
            return
        while context.is_active():
            time.sleep(0.01)

    def count_cancelled(self, _request, _context):
        return str(self.cancelled).encode()


def serve():
    echo = Echo()
    handlers = {
        'Once': grpc.unary_unary_rpc_method_handler(echo.once),
        'Collect': grpc.stream_unary_rpc_method_handler(echo.collect),
        'Expand': grpc.unary_stream_rpc_method_handler(echo.expand),
        'Chat': grpc.stream_stream_rpc_method_handler(echo.chat),
        'Cancelled': grpc.unary_unary_rpc_method_handler(echo.count_cancelled),
    }
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16), options=UNLIMITED)
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, handlers)])
    port = server.add_insecure_port('127.0.0.1:0')
    server.start()
    print(port, flush=True)
    sys.stdin.read()
    server.stop(None)


class Client:
    def __init__(self, channel):
        at = f'/{SERVICE}/'
        self.once = channel.unary_unary(at + 'Once')
        self.collect = channel.stream_unary(at + 'Collect')
        self.expand = channel.unary_stream(at + 'Expand')
        self.chat = channel.stream_stream(at + 'Chat')
        self.cancelled = channel.unary_unary(at + 'Cancelled')
        self.nothing = channel.unary_unary(at + 'Nothing')

    def metadata(self):
        said = [('x-say', 'a, b'), ('x-say-bin', bytes([0, 255, 10, 13, 128]))]
        _, call = self.once.with_call(b'', metadata=said, timeout=LONG)
        lines = []
        for part in (call.initial_metadata(), call.trailing_metadata()):
            own = [pair for pair in part if pair[0].startswith(('x-greeting', 'x-echo', 'x-end'))]
            lines += sorted(f'{key}={printed(value)}' for key, value in own)
        return lines

    def status(self, code):
        said = [('x-status', str(code)), ('x-message', f'because of {code}%')]
        try:
            self.once(b'x', metadata=said, timeout=LONG)
            return '0 OK'
        except grpc.RpcError as error:
            return f'{error.code().value[0]} {error.details()}'

    def stream_status(self, code):
        said = [('x-status', str(code)), ('x-message', 'in the end')]
        call = self.expand(b'3:5', metadata=said, timeout=LONG)
        octets = 0
        try:
            for message in call:
                octets += len(message)
        except grpc.RpcError:
            pass
        return f'{octets} {call.code().value[0]}'

    def collected(self):
        return self.collect((bytes(size * 100) for size in range(100)), timeout=LONG).decode()

    def expanded(self):
        messages = octets = 0
        for message in self.expand(b'200:10000', timeout=LONG):
            if message[0] == messages & 255:
                messages += 1
            octets += len(message)
        return f'{messages}:{octets}'

    def chatted(self):
        turn = threading.Semaphore(1)

        def messages():
            for index in range(100):
                turn.acquire()
                yield f'message {index}'.encode()

        call = self.chat(messages(), timeout=LONG)
        echoed = 0
        for message in call:
            if message.decode() == f'message {echoed}':
                echoed += 1
            turn.release()
        return f'{echoed} {call.code().value[0]}'

    def big(self):
        sent = (b'outrigger' * (10 * 1024 * 1024 // 9 + 1))[: 10 * 1024 * 1024]
        return [hashed(sent), hashed(self.once(sent, timeout=LONG))]

    def deadline(self):
        try:
            self.once(b'x', metadata=[('x-hang', '1')], timeout=0.3)
        except grpc.RpcError as error:
            return error.code().value[0]
        return 0

    def cancel(self):
        stay = threading.Event()

        def messages():
            yield b'before'
            stay.wait()

        call = self.chat(messages(), metadata=[('x-endless', '1')], timeout=LONG)
        next(call)
        call.cancel()
        stay.set()
        return call.code().value[0]

    def count_cancelled(self):
        until = time.monotonic() + SOON
        count = 0
        while count < 2 and time.monotonic() < until:
            count = int(self.cancelled(b'', timeout=LONG))
            time.sleep(0.02)
        return count

    def unknown(self):
        try:
            self.nothing(b'x', timeout=LONG)
        except grpc.RpcError as error:
            return error.code().value[0]
        return 0

    def parallel(self):
        texts = [f'call {index}'.encode() for index in range(50)]
        calls = [self.once.future(text, timeout=LONG) for text in texts]
        return sum(call.result() == text for call, text in zip(calls, texts))

    def report(self):
        return {
            'once': self.once(b'hello', timeout=LONG).decode(),
            'metadata': self.metadata(),
            'statuses': [self.status(code) for code in range(17)],
            'streamStatuses': [self.stream_status(code) for code in (0, 7, 13)],
            'collect': self.collected(),
            'expand': self.expanded(),
            'chat': self.chatted(),
            'big': self.big(),
            'deadline': self.deadline(),
            'cancel': self.cancel(),
            'cancelled': self.count_cancelled(),
            'unknownMethod': self.unknown(),
            'parallel': self.parallel(),
        }


def printed(value):
    return value if isinstance(value, str) else base64.b64encode(value).decode()


def hashed(octets):
    return f'{len(octets)} {hashlib.sha256(octets).hexdigest()}'


def main():
    if sys.argv[1] == 'serve':
        serve()
        return
    with grpc.insecure_channel(sys.argv[2], options=UNLIMITED) as channel:
        print(json.dumps(Client(channel).report()))


main()
