// Configurations wrapped in TypedStruct, and routes by URI templates, beside Envoy.
import net from 'node:net';
import t from 'tap';
import { type ServedTwin, withServedTwins } from '../support/tls-twins.ts';
import { type Json, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';

const TYPE = 'type.googleapis.com/';

function wrapped(kind: 'udpa.type.v1' | 'xds.type.v3', type: string, value: Json): Json {
  return { '@type': `${TYPE}${kind}.TypedStruct`, type_url: `${TYPE}envoy.${type}`, value };
}

const TEMPLATES: Readonly<Record<string, string>> = {
  one: '/one/{id}',
  rest: '/rest/{id}/**',
  star: '/star/*/end',
  named: '/named/{id}/{other=**}.html',
};
const PATHS = [
  ...['/one/1', '/one/1?q', '/one/', '/one', '/one/1/2', '/one/a%2Fb', '/one/1/'],
  ...['/rest/1/2/3', '/rest/1/', '/rest/1', '/star/x/end', '/star/x/y/end', '/star//end'],
  ...['/named/1/a/b.html', '/named/1/a.htm', '/One/1', '/struct', '/fault'],
];

async function ask(port: number, path: string): Promise<string> {
  const socket = net.connect(port, '127.0.0.1');
  socket.write(`GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
  let text = '';
  for await (const chunk of socket) text += chunk.toString('latin1');
  const added = /^x-added: (.*)$/m.exec(text)?.[1] ?? '-';
  return `${path} ${text.split(' ')[1]} ${text.split('\r\n\r\n')[1]} ${added}`;
}

async function seen({ ports }: ServedTwin): Promise<readonly string[]> {
  const answers: string[] = [];
  for (const path of PATHS) answers.push(await ask(ports['main'] ?? 0, path));
  return answers;
}

t.test('typed structs and URI templates as Envoy', { skip: withoutEnvoy }, async (t) => {
  const answer = (name: string): Json => ({ status: 200, body: { inline_string: name } });
  const templates = Object.entries(TEMPLATES).map(([name, path_template], index) => ({
    match: {
      path_match_policy: {
        name: 'envoy.path.match.uri_template.uri_template_matcher',
        typed_config:
          index % 2 === 0
            ? typed('extensions.path.match.uri_template.v3.UriTemplateMatchConfig', {
                path_template,
              })
            : wrapped(
                'xds.type.v3',
                'extensions.path.match.uri_template.v3.UriTemplateMatchConfig',
                {
                  path_template,
                },
              ),
      },
    },
    direct_response: answer(name),
  }));
  const abort = { http_status: 418, percentage: { numerator: 100 } };
  const routes = [
    ...templates,
    {
      ...{ match: { path: '/fault' }, direct_response: answer('no fault') },
      typed_per_filter_config: {
        fault: wrapped('udpa.type.v1', 'extensions.filters.http.fault.v3.HTTPFault', { abort }),
      },
    },
    { match: { path: '/struct' }, direct_response: answer('struct') },
  ];
  const mutation = {
    mutations: {
      response_mutations: [{ append: { header: { key: 'x-added', value: 'by struct' } } }],
    },
  };
  const filters = [
    {
      name: 'mutation',
      typed_config: wrapped(
        'udpa.type.v1',
        'extensions.filters.http.header_mutation.v3.HeaderMutation',
        mutation,
      ),
    },
    {
      name: 'fault',
      typed_config: wrapped('xds.type.v3', 'extensions.filters.http.fault.v3.HTTPFault', {}),
    },
  ];
  const config = { listeners: { main: { routes, filters } }, log: null, validate: false };
  await withServedTwins(config, async ({ ours, envoy }) => {
    const mine = await seen(ours);
    t.same(mine, await seen(envoy));
    t.ok(mine.includes('/struct 200 struct by struct'));
    t.ok(mine.some((line) => line.startsWith('/fault 418 ')));
    t.ok(mine.includes('/rest/1/2/3 200 rest by struct'));
  });
});
