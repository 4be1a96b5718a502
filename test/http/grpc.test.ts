import t from 'tap';
import {
  encodeGrpcMessage,
  grpcStatusIn,
  grpcStatusOfHttp,
  grpcTimeoutIn,
  grpcTimeoutText,
  hasGrpcType,
  httpStatusOfGrpc,
  isGrpcResponse,
} from '../../proxy/http/grpc.ts';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { ResponseHead } from '../../proxy/http/message.ts';

const typed = (type: string) => HeaderList.of('content-type', type);

t.test('gRPC is application/grpc with or without a suffix, and not gRPC-Web', async (t) => {
  for (const type of ['application/grpc', 'application/grpc+proto', 'application/grpc+json']) {
    t.equal(hasGrpcType(typed(type)), true, type);
  }
  const others = [
    ...['application/grpc-web', 'application/grpc-web+proto', 'application/grpc;x=y'],
    ...['application/grp', 'Application/grpc', ' application/grpc', ''],
  ];
  for (const type of others) t.equal(hasGrpcType(typed(type)), false, type);
  t.equal(hasGrpcType(HeaderList.empty()), false, 'no type');
});

t.test('a gRPC response is a 200 of its type, or a head alone with a status', async (t) => {
  const of = (status: number, ...pairs: string[]) =>
    new ResponseHead(status, HeaderList.of(...pairs));
  t.equal(isGrpcResponse(of(200, 'content-type', 'application/grpc'), false), true);
  t.equal(isGrpcResponse(of(201, 'content-type', 'application/grpc'), false), false);
  t.equal(isGrpcResponse(of(200, 'content-type', 'text/html', 'grpc-status', '0'), false), false);
  t.equal(isGrpcResponse(of(404, 'grpc-status', '0'), true), true);
  t.equal(isGrpcResponse(of(200, 'content-type', 'application/grpc'), true), false);
});

t.test('grpc-status is any number; what is none is invalid', async (t) => {
  t.equal(grpcStatusIn(HeaderList.empty()), null);
  const cases = [
    ['0', 0],
    ['16', 16],
    ['1000', 1000],
    ['007', 7],
    ['-1', -1],
    ['x', -1],
    ['1.5', -1],
    ['99999999999', -1],
    ['', null],
  ] as const;
  for (const [text, status] of cases) {
    t.equal(grpcStatusIn(HeaderList.of('grpc-status', text)), status, text);
  }
});

t.test('statuses of HTTP and gRPC stand for each other as gRPC says', async (t) => {
  const fromHttp = [400, 401, 403, 404, 429, 502, 503, 504, 200, 500, 408].map(grpcStatusOfHttp);
  t.same(fromHttp, [13, 16, 7, 12, 14, 14, 14, 14, 2, 2, 2]);
  const numbers = [...Array(17).keys(), 17, -1];
  t.same(
    numbers.map(httpStatusOfGrpc),
    [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401, 500, 500],
  );
});

t.test('grpc-timeout has at most eight digits and one of six units', async (t) => {
  const valid = [
    ['1H', 3_600_000],
    ['2M', 120_000],
    ['3S', 3_000],
    ['4m', 4],
    ['5000u', 5],
    ['5001u', 6],
    ['1u', 1],
    ['6000000n', 6],
    ['1n', 1],
    ['0n', 0],
    ['0S', 0],
    ['00000007S', 7_000],
    ['99999999H', 99_999_999 * 3_600_000],
  ] as const;
  for (const [text, ms] of valid) {
    t.equal(grpcTimeoutIn(HeaderList.of('grpc-timeout', text)), ms, text);
  }
  const invalid = [
    '',
    'S',
    '1',
    '100000000S',
    '1s',
    '1h',
    '1.5S',
    '-1S',
    '+1S',
    '1 S',
    '1SS',
    'xS',
  ];
  for (const text of invalid) {
    t.equal(grpcTimeoutIn(HeaderList.of('grpc-timeout', text)), null, text);
  }
  t.equal(grpcTimeoutIn(HeaderList.empty()), null);
});

t.test('a deadline is written in the finest unit that takes eight digits', async (t) => {
  const cases = [
    [0, '0m'],
    [1, '1m'],
    [99_999_999, '99999999m'],
    [100_000_000, '100000S'],
    [100_000_999, '100000S'],
    [99_999_999_999, '99999999S'],
    [100_000_000_000, '1666666M'],
    [99_999_999 * 60_000 + 60_000, '1666666H'],
    [Number.MAX_SAFE_INTEGER, '99999999H'],
  ] as const;
  for (const [ms, text] of cases) t.equal(grpcTimeoutText(ms), text, `${ms}`);
});

t.test('an error text keeps visible ASCII and blanks', async (t) => {
  t.equal(encodeGrpcMessage(Buffer.from('no such thing: /a?b=}')), 'no such thing: /a?b=}');
  t.equal(encodeGrpcMessage(Buffer.from('100%\n\tü~\x7f')), '100%25%0A%09%C3%BC%7E%7F');
  t.equal(encodeGrpcMessage(Buffer.alloc(0)), '');
});
