// What routes answer themselves: formats of bodies, and files that change.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { eventually } from '../support/eventually.ts';
import { type RawResponse, rawExchange } from '../support/raw-exchange.ts';
import {
  bootstrapOf,
  httpListener,
  type Message,
  virtualHost,
} from '../support/static-bootstrap.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';
import { withProxy } from '../support/with-proxy.ts';

function text(inline_string: string, members: Message = {}): Message {
  return { text_format_source: { inline_string }, ...members };
}

function answer(name: string, response: Message, route: Message = {}): Message {
  return {
    name,
    match: { path: `/${name}` },
    direct_response: { status: 200, ...response },
    ...route,
  };
}

const OWN_TYPE: Message = {
  response_headers_to_add: [
    { header: { key: 'content-type', value: 'x/y' }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' },
  ],
};
const BODY: Message = { inline_string: 'ä<b>' };

const ROUTES: readonly Message[] = [
  answer('fields', { body_format: text('%REQ(x-a)% %REQ(x-b)% %ROUTE_NAME% %REQ(:PATH)%') }),
  answer('response', { body_format: text('%RESPONSE_CODE% %RESP(x-c)% %RESPONSE_FLAGS%') }),
  answer('around', { body: BODY, body_format: text('[%LOCAL_REPLY_BODY%]') }),
  answer('instead', { body: BODY, body_format: text('other') }),
  answer('json', {
    body: BODY,
    body_format: { json_format: { a: '%REQ(x-a)%', b: '%LOCAL_REPLY_BODY%' } },
  }),
  answer('html', { body_format: text('<p>%REQ(x-a)%', { content_type: 'text/html' }) }),
  answer('empty', { body: BODY, body_format: text('%REQ(x-b)%', { omit_empty_values: true }) }),
  answer('own-type', { body_format: text('x') }, OWN_TYPE),
  answer('own-json', { body_format: { json_format: { a: 'x' } } }, OWN_TYPE),
  answer('own-html', { body_format: text('x', { content_type: 'text/html' }) }, OWN_TYPE),
  answer('plain-type', { body: BODY }, OWN_TYPE),
  answer('moved', { status: 301, body_format: text('x') }),
];

const TARGETS = ROUTES.map(({ name }) => `/${name}`);

function bootstrap(file: string): Message {
  const watched_directory = { path: path.dirname(file) };
  const routes = [
    ...ROUTES,
    answer('watched', { body: { filename: file, watched_directory } }),
    answer('unwatched', { body: { filename: file } }),
  ];
  return bootstrapOf([httpListener('main', { virtual_hosts: [virtualHost(['*'], routes)] })], []);
}

function ask(address: string, target: string, method = 'GET'): Promise<RawResponse> {
  const fields = 'host: h.test\r\nx-a: v<"\xe4">\r\nconnection: close';
  return rawExchange(address, `${method} ${target} HTTP/1.1\r\n${fields}\r\n\r\n`);
}

/** Everything that both must agree on: bodies, then what becomes of a changed file. */
async function outcomes(address: string, file: string): Promise<readonly unknown[]> {
  const seen: unknown[] = [];
  for (const target of TARGETS) {
    const { status, fields, body } = await ask(address, target);
    const kept = fields.filter((line) => !/^(date|server|connection):/.test(line)).sort();
    seen.push({ target, status, fields: kept, body });
  }
  const bodyOf = async (target: string) => (await ask(address, target)).body;
  seen.push(await bodyOf('/watched'));
  fs.writeFileSync(`${file}.new`, 'two');
  fs.renameSync(`${file}.new`, file);
  await eventually(async () => (await bodyOf('/watched')) === 'two');
  fs.writeFileSync(`${file}.new`, 'x'.repeat(4097));
  fs.renameSync(`${file}.new`, file);
  fs.rmSync(file);
  seen.push(await bodyOf('/watched'), await bodyOf('/unwatched'));
  return seen;
}

t.test('answers as Envoy does', { skip: withoutEnvoy }, async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'direct-'));
  t.teardown(() => fs.rmSync(directory, { recursive: true }));
  const file = path.join(directory, 'f');
  fs.writeFileSync(file, 'one');
  const proxy = await withProxy(bootstrap(file));
  const ours = await outcomes(`127.0.0.1:${proxy.ports['main']}`, file);
  await proxy.stop();
  fs.writeFileSync(file, 'one');
  await withEnvoy(bootstrap(file), async (envoy) => {
    const theirs = await outcomes(await envoy.listener('main'), file);
    for (const [index, wanted] of theirs.entries()) {
      t.same(ours[index], wanted, TARGETS[index] ?? 'a file');
    }
  });
});
