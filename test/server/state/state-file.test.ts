import t from 'tap';
import {
  decodeState,
  encodeState,
  type SavedRecord,
  type StateOwner,
} from '../../../proxy/server/state/state-file.ts';

const owner: StateOwner = { node: 'a\nb', source: 's', typeUrl: 'type.googleapis.com/t' };
const header = { ...owner, version: '7', savedMs: 1_000 };
const records: readonly SavedRecord[] = [
  { name: 'é\n', version: '', typeUrl: 'u', value: Uint8Array.of(0, 255) },
  { name: '', version: '3', typeUrl: '', value: new Uint8Array(0) },
];
const whole = Buffer.concat(encodeState(header, records));

t.test('reads what was written', async (t) => {
  const read = decodeState(whole, owner);
  t.match(read, { ok: true, header, records: [{ name: 'é\n', version: '' }, { version: '3' }] });
  t.same(read.ok && [...(read.records[0]?.value ?? [])], [0, 255]);
  t.match(decodeState(Buffer.concat(encodeState(header, [])), owner), { records: [] });
});

t.test('uses nothing of what is cut short, damaged or no state', async (t) => {
  for (let length = 0; length < whole.length; length += 1) {
    t.notOk(decodeState(whole.subarray(0, length), owner).ok, `${length} octets`);
  }
  for (let at = 0; at < whole.length; at += 1) {
    const damaged = Buffer.from(whole);
    damaged[at] = (damaged[at] as number) ^ 1;
    t.notOk(decodeState(damaged, owner).ok, `octet ${at}`);
  }
  t.notOk(decodeState(Buffer.concat([whole, Buffer.of(0)]), owner).ok);
});

t.test('is of one node and one server', async (t) => {
  t.match(decodeState(whole, { ...owner, node: 'c\nb' }), { reason: /another node/ });
  t.match(decodeState(whole, { ...owner, source: 'z' }), { reason: /another server/ });
  t.match(decodeState(whole, { ...owner, typeUrl: 'z' }), { reason: /another server/ });
});
