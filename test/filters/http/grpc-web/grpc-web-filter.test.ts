import t from 'tap';
import { GrpcWebFilter } from '../../../../proxy/filters/http/grpc-web/grpc-web-filter.ts';
import { HeaderList } from '../../../../proxy/http/header-list.ts';
import { ResponseHead } from '../../../../proxy/http/message.ts';
import { FilterRig } from '../../../support/filter-rig.ts';
import { base64Text, grpcFrame } from '../../../support/grpc-wire.ts';
import { requestHead } from '../../../support/route-fixtures.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

const BINARY = 'application/grpc-web+proto';
const TEXT = 'application/grpc-web-text';
const FRAMES = ['', 'a', 'hello', 'x'.repeat(500)].map((message) => grpcFrame(message));
const TRAILERS_FRAME = grpcFrame('grpc-status:0\r\ngrpc-message:fine\r\n', 0x80);
const AS_TEXT = [...FRAMES, TRAILERS_FRAME].map(base64Text).join('');

function call(type: string, accept = ''): FilterRig {
  const headers = ['content-type', type, 'content-length', '7', ...(accept && ['accept', accept])];
  const head = requestHead({ method: 'POST', path: '/pkg.Svc/Do', headers });
  return new FilterRig((callbacks) => new GrpcWebFilter(callbacks), head);
}

const answerHead = (status = 200, type = 'application/grpc') =>
  new ResponseHead(status, HeaderList.of('content-type', type, 'content-length', '9'));
const trailers = () => HeaderList.of('grpc-status', '0', 'grpc-message', 'fine');

/** A text whole, in characters, and at random places. */
function cuts(text: string): readonly (readonly string[])[] {
  const random = seededRandom(7);
  const some = Array.from({ length: 30 }, () => {
    const pieces: string[] = [];
    for (let at = 0; at < text.length; ) {
      const size = Math.floor(random.next() * 40);
      pieces.push(text.slice(at, at + size));
      at += size;
    }
    return pieces;
  });
  return [[text], [...text], ...some];
}

t.test('a binary request and response pass, trailers as the last frame', async (t) => {
  for (const pieces of cuts(FRAMES.join(''))) {
    const rig = call(BINARY);
    rig.send(pieces);
    t.equal(rig.upstream.content, FRAMES.join(''));
    rig.answer(answerHead(), pieces, trailers());
    t.equal(rig.client.content, FRAMES.join('') + TRAILERS_FRAME);
    t.ok(rig.client.isComplete);
    t.same(rig.client.trailerLines, []);
    t.same(rig.client.fields, [`content-type: ${BINARY}`]);
  }
});

t.test('the upstream sees a gRPC request', async (t) => {
  const rig = call(TEXT);
  t.same(rig.upstream.fields, [
    'content-type: application/grpc',
    'te: trailers',
    'grpc-accept-encoding: identity',
  ]);
});

t.test('text is decoded on the way in, and encoded on the way out if asked for', async (t) => {
  const asked = FRAMES.map(base64Text).join('');
  for (const pieces of cuts(asked)) {
    const rig = call(TEXT, TEXT);
    rig.send(pieces);
    t.equal(rig.upstream.content, FRAMES.join(''));
    t.ok(rig.upstream.isComplete);
  }
  for (const pieces of cuts(FRAMES.join(''))) {
    const rig = call(BINARY, `${TEXT}+proto`);
    rig.answer(answerHead(), pieces, trailers());
    t.equal(rig.client.content, AS_TEXT);
    t.ok(rig.client.isComplete);
    t.same(rig.client.fields, [`content-type: ${TEXT}+proto`]);
  }
});

t.test('a response that ends without trailers, or in a frame, ends', async (t) => {
  for (const [content, wanted] of [
    [FRAMES.join(''), FRAMES.map(base64Text).join('')],
    [FRAMES.join('').slice(0, -2), FRAMES.slice(0, -1).map(base64Text).join('')],
  ] as const) {
    const rig = call(BINARY, TEXT);
    rig.answer(answerHead(), [content], null);
    t.ok(rig.client.content.startsWith(wanted));
    t.ok(rig.client.isComplete);
  }
});

t.test('what is not base64 is answered 400, in the client’s own words', async (t) => {
  const cases = [
    [['AAAA', '!AAA', ''], 'grpc_base_64_decode_failed'],
    [['AAAA', 'AAA'], 'grpc_base_64_decode_failed_bad_size'],
  ] as const;
  for (const [pieces, details] of cases) {
    const rig = call(TEXT);
    rig.send(pieces);
    t.same(rig.replies, [details]);
    t.notOk(rig.upstream.isComplete);
    t.equal(rig.client.start?.status, 400);
    t.same(rig.client.fields, [
      `content-type: ${BINARY}`,
      'grpc-message: Bad gRPC-web request, invalid base64 data.',
      'grpc-status: 13',
      'content-length: 0',
    ]);
    t.equal(rig.client.content, '');
    t.ok(rig.client.isComplete);
  }
});

t.test('the beginning of an error page becomes the message', async (t) => {
  for (const trailing of [null, HeaderList.of('x-t', '1')]) {
    const rig = call(BINARY);
    rig.answer(answerHead(503, 'text/html'), ['100% ', 'x'.repeat(20_000), 'end'], trailing);
    t.equal(rig.client.start?.status, 503);
    const [, message, status] = rig.client.fields;
    t.equal(message, `grpc-message: 100%25 ${'x'.repeat(16_384 - 5)}`);
    t.equal(status, 'grpc-status: 14');
    t.equal(rig.client.content, '');
    t.ok(rig.client.isComplete);
  }
});

t.test('a head alone passes', async (t) => {
  const rig = call(BINARY);
  rig.answer(new ResponseHead(200, HeaderList.of('grpc-status', '5')), [], null);
  t.same(rig.client.fields, ['grpc-status: 5', `content-type: ${BINARY}`]);
  t.ok(rig.client.isComplete);
});

t.test('calls are counted by method', async (t) => {
  const rig = call(BINARY);
  rig.answer(answerHead(), [FRAMES.join('')], trailers());
  t.same(rig.counters(), {
    'grpc-web.pkg.Svc.Do.0': 1,
    'grpc-web.pkg.Svc.Do.success': 1,
    'grpc-web.pkg.Svc.Do.total': 1,
  });
});

t.test('what is not gRPC-Web stays as it is', async (t) => {
  for (const type of ['application/grpc', 'application/grpc-web+json', `${BINARY};a=b`, 'text/x']) {
    const rig = call(type, TEXT);
    rig.send(['AAA!']);
    t.equal(rig.upstream.content, 'AAA!');
    t.same(rig.upstream.fields, [`content-type: ${type}`, 'content-length: 7', `accept: ${TEXT}`]);
    rig.answer(answerHead(500, 'text/html'), ['page'], trailers());
    t.equal(rig.client.content, 'page');
    t.same(rig.client.fields, ['content-type: text/html', 'content-length: 9']);
    t.same(rig.client.trailerLines, ['grpc-status: 0', 'grpc-message: fine']);
    t.same(rig.counters(), {});
  }
});
